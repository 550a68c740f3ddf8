"""Slack's side of Socket Mode: connections that an app opens, and envelopes to any of them."""
