"""Workspaces: the installations of the app in them, their tokens, and who keeps those valid (docs/decisions/0095)."""
