"""Anchorbolt: a Slack Bolt app that finishes what it acknowledges."""
