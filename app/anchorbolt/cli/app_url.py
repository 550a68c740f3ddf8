"""Where the commands find the running app."""

from __future__ import annotations


def app_url(port: int, address: str = "127.0.0.1") -> str:
    """Returns the URL of Slack's requests to an app. `port`: the public one. `address`: in the form of a URL."""
    return f"http://{address}:{port}/slack/events"
