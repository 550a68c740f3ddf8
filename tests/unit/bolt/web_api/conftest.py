"""Retries without the waits before them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from slack_sdk.http_retry import builtin_async_handlers
from slack_sdk.http_retry.builtin_interval_calculators import BackoffRetryIntervalCalculator


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk waits about a second before it sends a request again, and adds a random time to Retry-After."""
    monkeypatch.setattr(BackoffRetryIntervalCalculator, "calculate_sleep_duration", lambda *_: 0.0)
    monkeypatch.setattr(builtin_async_handlers, "random", SimpleNamespace(random=lambda: 0.0))
