"""Whether this task belongs to a delivery that is traced, and the id that its trace gets."""

from __future__ import annotations

from contextvars import ContextVar

# Reading it is cheaper than reading OpenTelemetry's context.
traced: ContextVar[bool] = ContextVar("traced", default=False)
is_traced = traced.get

# The id of the trace that begins now, where the sampler was asked about it already.
chosen_trace_id: ContextVar[int | None] = ContextVar("chosen trace id", default=None)
