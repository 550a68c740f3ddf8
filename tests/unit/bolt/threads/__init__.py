"""Synchronous functions, in threads."""
