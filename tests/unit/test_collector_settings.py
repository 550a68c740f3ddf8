"""OpenTelemetry's own variables are checked before the app starts."""

from __future__ import annotations

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings.otel import Collector, collector


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is set."""
    for name in ("ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"):
        for signal in ("", "TRACES_", "METRICS_"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}{name}", raising=False)
    for name in ("SDK_DISABLED", "TRACES_EXPORTER", "METRICS_EXPORTER"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Collector:
    """What they say."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return collector()


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {"traces", "metrics"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/x"}, {"traces"}),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, {"metrics"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, set()),
    ],
)
def test_what_is_sent(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], signals: set[str]) -> None:
    """Nothing without an endpoint or an exporter; with one, both signals, or the one that is named."""
    assert read(monkeypatch, **environment).signals == signals


def test_the_queue_of_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size, and when it is sent, have the units and the defaults of the SDK."""
    assert read(monkeypatch) == Collector(frozenset(), 5, 2048, 512)
    found = read(
        monkeypatch,
        OTEL_BSP_SCHEDULE_DELAY="250",
        OTEL_BSP_MAX_QUEUE_SIZE="9",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4",
    )
    assert (found.delay_seconds, found.queue_spans, found.batch_spans) == (0.25, 9, 4)


def test_each_wrong_one_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed variable ends the start with its name and what it should be, never with its value."""
    with pytest.raises(InvalidSettingsError) as caught:
        read(
            monkeypatch,
            OTEL_EXPORTER_OTLP_ENDPOINT="planted:4318",
            OTEL_EXPORTER_OTLP_HEADERS="authorization=planted%0A",
            OTEL_EXPORTER_OTLP_TIMEOUT="planted",
            OTEL_EXPORTER_OTLP_TRACES_COMPRESSION="planted",
            OTEL_EXPORTER_OTLP_CERTIFICATE="/planted",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="planted",
            OTEL_METRIC_EXPORT_INTERVAL="planted",
            OTEL_BSP_SCHEDULE_DELAY="-1",
            OTEL_BSP_MAX_QUEUE_SIZE="0",
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
    ]
    assert "planted" not in str(caught.value)
