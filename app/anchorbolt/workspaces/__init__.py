"""Workspaces: the installations of the app in them, their tokens, and who keeps those valid (docs/workspaces.md)."""
