"""Whether this task belongs to a delivery that is traced."""

from __future__ import annotations

from contextvars import ContextVar

# Reading it is cheaper than reading OpenTelemetry's context.
traced: ContextVar[bool] = ContextVar("traced", default=False)
is_traced = traced.get
