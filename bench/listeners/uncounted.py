"""Twenty listeners in an app whose instruments count nothing: what telemetry costs is measured against it."""

from __future__ import annotations

from typing import Any

from anchorbolt.telemetry import instruments

from bench.listeners.twenty import register

__all__ = ["register"]


def _nothing(*_: Any, **__: Any) -> None:
    return


instruments.Counter.add = _nothing  # type: ignore[method-assign] # in this process alone
instruments.Histogram.record = _nothing  # type: ignore[method-assign]
