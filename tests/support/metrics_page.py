"""`/metrics` of a running app, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from anchorbolt.telemetry.instruments import Counter, Histogram, Instrument
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support.app_process import AppProcess

# The endings that OpenTelemetry's exporter for Prometheus gives the units that we have.
ENDINGS = {"s": "_seconds", "By": "_bytes"}


def series_of(instrument: Instrument) -> set[str]:
    """The names of an instrument's series in Prometheus."""
    name = instrument.name.replace(".", "_") + ENDINGS.get(instrument.unit, "")
    if isinstance(instrument, Counter):
        return {name + "_total"}
    if isinstance(instrument, Histogram):
        return {name + ending for ending in ("_bucket", "_sum", "_count")}
    return {name}


@dataclass(frozen=True)
class MetricsPage:
    """One scrape."""

    text: str

    @classmethod
    async def of(cls, app: AppProcess) -> MetricsPage:
        """Asks the app."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            answer = await http.get(app.internal_url + "metrics", timeout=10)
        assert answer.status_code == 200
        return cls(answer.text)

    @property
    def families(self) -> dict[str, Metric]:
        """By the name that Prometheus shows; a counter's ends in _total."""
        found = text_string_to_metric_families(self.text)
        return {family.name + ("_total" if family.type == "counter" else ""): family for family in found}

    def value(self, sample_name: str, **labels: str) -> float:
        """The sum of all samples of that name with these labels."""
        return sum(value for found, value in self.samples(sample_name) if labels.items() <= found.items())

    def samples(self, sample_name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of each."""
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                if sample.name == sample_name:
                    yield sample.labels, sample.value
