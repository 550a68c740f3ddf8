"""LISTENERS=bench.listeners.sync_twenty: an app of twenty synchronous listeners."""

from slack_bolt import App

from bench.listeners.plan import plan
from bench.listeners.register import register_sync


def register(app: App) -> None:
    register_sync(app, plan(20, "event"))
