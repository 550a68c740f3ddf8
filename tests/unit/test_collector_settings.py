"""OpenTelemetry's own variables are read as its SDK reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings.otel import Collector, collector

HERE = str(Path(__file__))
MISSING = "/nowhere/certificate"


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


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://localhost:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/base/"}, "https://c/base/v1/traces"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/path"},
            "http://t/path",
        ),
    ],
)
def test_where_traces_go(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str) -> None:
    """The endpoint of all signals is a base; the one of traces is the whole path."""
    assert read(monkeypatch, **environment).traces_url == url


def test_what_is_for_traces_alone_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_EXPORTER_OTLP_TRACES_X comes before OTEL_EXPORTER_OTLP_X; numbers have the units of the SDK."""
    found = read(
        monkeypatch,
        OTEL_EXPORTER_OTLP_TIMEOUT="7",
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="3",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_HEADERS="a=b",
        OTEL_EXPORTER_OTLP_CERTIFICATE=HERE,
        OTEL_BSP_SCHEDULE_DELAY="250",
        OTEL_BSP_MAX_QUEUE_SIZE="9",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4",
    )
    assert (found.timeout_seconds, found.compression, found.headers) == (3, "gzip", "a=b")
    assert found.certificate == Path(HERE)
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
            OTEL_BSP_SCHEDULE_DELAY="-1",
            OTEL_BSP_MAX_QUEUE_SIZE="0",
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
    ]
    assert "planted" not in str(caught.value)


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector's credentials are in no repr."""
    found = read(
        monkeypatch,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:planted@c:4318",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=planted",
    )
    assert "planted" not in repr(found)
