"""A listener module that shows on `/metrics` how Python's garbage collector is set in its process."""

from __future__ import annotations

import gc

from prometheus_client import Gauge
from slack_bolt.async_app import AsyncApp

# A worker imports its listeners before it serves: until then, the settings are those that its master had at the fork.
Gauge("test_frozen_at_import", "What is never looked at, before it served.").set(gc.get_freeze_count())
Gauge("test_threshold_at_import", "New objects until a collection, before it served.").set(gc.get_threshold()[0])
Gauge("test_frozen", "What the collector never looks at.").set_function(gc.get_freeze_count)
Gauge("test_threshold", "New objects until a collection.").set_function(lambda: gc.get_threshold()[0])


def register(app: AsyncApp) -> None:
    """There is nothing to listen to."""
