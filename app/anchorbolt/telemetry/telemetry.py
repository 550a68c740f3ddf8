"""What of the telemetry lives with the process: it starts first, and is flushed last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter_provider, set_meter_provider

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.own_meters import LazyMeterProvider
from anchorbolt.telemetry.pulse import Pulse
from anchorbolt.telemetry.refusals import Refusals
from anchorbolt.telemetry.workspaces import Workspaces

if TYPE_CHECKING:
    from anchorbolt.telemetry.otlp import Otlp


class Telemetry:
    """The beat that measures the loop, and what sends to a collector, if there is one."""

    def __init__(self, collector: Collector, instance: str) -> None:
        """`instance`: the name of this pod. To be built in the loop that serves."""
        self.workspaces = Workspaces()
        self._pulse = Pulse(self.workspaces.turn, Refusals().turn)
        self._otlp: Otlp | None = None
        metrics.busiest_workspaces.observe(self.workspaces.by_rank)
        meters = _meters()
        if collector.signals:
            # Here, because the SDK takes a fifth of a second and 4 MiB that most pods need not spend.
            from anchorbolt.telemetry.otlp import Otlp  # noqa: PLC0415

            self._otlp = Otlp(collector, instance, meters)

    def start(self) -> None:
        """In the worker's loop."""
        self._pulse.start()
        if self._otlp is not None:
            self._otlp.start()

    async def close(self) -> None:
        """Sends what was not sent yet, within a bounded time."""
        self._pulse.stop()
        if self._otlp is not None:
            await self._otlp.close()


def _meters() -> LazyMeterProvider:
    """The process's own; OpenTelemetry lets nobody replace it."""
    known = get_meter_provider()
    if isinstance(known, LazyMeterProvider):
        return known
    ours = LazyMeterProvider()
    set_meter_provider(ours)
    return ours
