"""Runs what is stored: lanes, attempts, backoff, hand-back."""
