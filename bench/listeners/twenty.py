"""LISTENERS=bench.listeners.twenty: an app of twenty listeners."""

from slack_bolt.async_app import AsyncApp

from bench.listeners.plan import plan
from bench.listeners.register import register_async


def register(app: AsyncApp) -> None:
    register_async(app, plan(20, "event"))
