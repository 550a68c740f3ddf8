"""Owns every run: slots, claims, leases, attempts, completion, hand-back."""
