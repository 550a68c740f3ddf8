"""Whether traces and metrics are sent to a collector, by OpenTelemetry's own environment variables.

The SDK reads them itself, and takes a default where one is wrong, with a line in the log. Here they are checked, so
that a wrong one is named before the app starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from anchorbolt.errors import InvalidSettingsError

Value = TypeVar("Value")
Other = TypeVar("Other")

COMPRESSIONS = ("none", "gzip", "deflate")


@dataclass(frozen=True, slots=True)
class Collector:
    """`signals`: which of `traces` and `metrics` are sent. The other fields are about the queue of spans."""

    signals: frozenset[str] = frozenset()
    delay_seconds: float = 5
    queue_spans: int = 2048
    batch_spans: int = 512


def collector() -> Collector:
    """Reads the variables. Raises InvalidSettingsError, which names every wrong variable and never shows a value."""
    problems: list[str] = []

    def read(name: str, kind: Callable[[str], Value], otherwise: Other, what: str) -> Value | Other:
        text = os.environ.get(name, "").strip()
        try:
            return kind(text) if text else otherwise
        except ValueError:
            problems.append(f"{name}: is no {what}; correct it, or remove it")
            return otherwise

    for signal in ("", "TRACES_", "METRICS_"):
        of_signal = f"OTEL_EXPORTER_OTLP_{signal}"
        read(f"{of_signal}ENDPOINT", _url, None, "URL that begins with http:// or https://")
        read(f"{of_signal}HEADERS", _headers, None, "list of name=value without control characters")
        read(f"{of_signal}TIMEOUT", _seconds, None, "number of seconds")
        read(f"{of_signal}COMPRESSION", _compression, None, f"one of {', '.join(COMPRESSIONS)}")
        for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"):
            read(f"{of_signal}{name}", _file, None, "file that can be read")
    for name in ("OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"):
        read(name, _milliseconds, None, "number of milliseconds")
    found = Collector(
        signals=_signals(),
        delay_seconds=read("OTEL_BSP_SCHEDULE_DELAY", _milliseconds, 5.0, "number of milliseconds"),
        queue_spans=read("OTEL_BSP_MAX_QUEUE_SIZE", _count, 2048, "whole number of spans"),
        batch_spans=read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _count, 512, "whole number of spans"),
    )
    if problems:
        raise InvalidSettingsError(problems)
    return found


def _signals() -> frozenset[str]:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    found = set()
    for signal in ("traces", "metrics"):
        exporters = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "")
        endpoint = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT") or os.environ.get(
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        if "otlp" in [name.strip() for name in exporters.split(",")] if exporters else endpoint:
            found.add(signal)
    return frozenset(found)


def _url(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError
    return text


def _headers(text: str) -> str:
    if any(ord(one) < 32 for one in unquote(text)):
        raise ValueError
    return text


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _milliseconds(text: str) -> float:
    return _seconds(text) / 1_000


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _compression(text: str) -> str:
    if text.lower() not in COMPRESSIONS:
        raise ValueError
    return text.lower()


def _file(text: str) -> str:
    if not os.access(text, os.R_OK):
        raise ValueError
    return text
