"""Intake: what HTTP and Socket Mode share."""
