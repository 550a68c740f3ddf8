"""The parts of the telemetry that are started and stopped with the process: they start first and are flushed last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import delivery_lines, metrics
from anchorbolt.telemetry.meters import meters
from anchorbolt.telemetry.pulse import Pulse
from anchorbolt.telemetry.refusals import Refusals
from anchorbolt.telemetry.watchdog import Watchdog
from anchorbolt.telemetry.workspaces import Workspaces

if TYPE_CHECKING:
    from anchorbolt.telemetry.otlp import Otlp


class Telemetry:
    """The measurement of the event loop and, where a collector is configured, what sends to it."""

    def __init__(self, collector: Collector, instance: str, watchdog: Watchdog | None = None) -> None:
        """`instance`: the name of this pod. It must be created in the event loop that serves."""
        self.workspaces = Workspaces()
        self._watchdog = watchdog or Watchdog()
        self._pulse = Pulse(self._watchdog.turn, self.workspaces.turn, Refusals().turn, delivery_lines.lines.turn)
        self._otlp: Otlp | None = None
        metrics.busiest_workspaces.observe(self.workspaces.by_rank)
        provider = meters(instance, exemplars="metrics" in collector.signals)
        if collector.signals:
            # Imported here, because the exporters take time and memory, which most pods do not need.
            from anchorbolt.telemetry.otlp import Otlp  # noqa: PLC0415

            self._otlp = Otlp(collector, instance, provider)

    def start(self) -> None:
        """Starts to measure, on the worker's event loop."""
        self._pulse.start()
        self._watchdog.start()

    async def close(self) -> None:
        """Sends what was not sent yet, for a few seconds at most."""
        self._watchdog.stop()
        self._pulse.stop()
        delivery_lines.lines.say()
        if self._otlp is not None:
            await self._otlp.close()
