"""Rooms of the runner."""
