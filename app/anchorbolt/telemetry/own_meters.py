"""The listeners' own metrics: what they make with OpenTelemetry's API is on `/metrics` beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource


class LazyMeterProvider(MeterProvider):
    """A meter provider that loads the SDK's when the first meter is asked for."""

    def __init__(self) -> None:
        self._real: SdkMeterProvider | None = None

    def load(self, readers: Sequence[MetricReader] = (), resource: Resource | None = None) -> SdkMeterProvider:
        """Loads the SDK. `readers`: further readers of the metrics, besides Prometheus."""
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - 50 ms, 2 MiB
        from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider  # noqa: PLC0415

        if self._real is None:
            all_of_them = [PrometheusMetricReader(disable_target_info=True), *readers]
            self._real = SdkMeterProvider(all_of_them, resource, shutdown_on_exit=False)
        return self._real

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> Meter:
        """OpenTelemetry's own hook."""
        return self.load().get_meter(name, version, schema_url, attributes)

    def shutdown(self) -> None:
        """Shuts the readers down, which makes them send what they have."""
        if self._real is not None:
            self._real.shutdown()
