"""Slack's side of Socket Mode: it accepts the app's connections and sends each envelope over one of them."""
