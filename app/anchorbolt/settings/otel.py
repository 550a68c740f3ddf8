"""Where traces and metrics are sent: OpenTelemetry's own environment variables, read as its SDK reads them.

The SDK itself reads the variables for metrics alone, for the resource and for the sampler.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from anchorbolt.errors import InvalidSettingsError

Value = TypeVar("Value")

COMPRESSIONS = ("none", "gzip", "deflate")
DEFAULT_ENDPOINT = "http://localhost:4318"


@dataclass(frozen=True, slots=True)
class Collector:
    """Where to send telemetry. `signals`: which of `traces` and `metrics` are sent; the other fields are for traces."""

    signals: frozenset[str] = frozenset()
    traces_url: str = field(default="", repr=False)  # may hold a password
    headers: str = field(default="", repr=False)  # as in the variable: name=value,name=value; may hold a key
    timeout_seconds: float = 10
    compression: str = "none"
    certificate: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    delay_seconds: float = 5
    queue_spans: int = 2048
    batch_spans: int = 512


def collector() -> Collector:
    """Reads the variables. Raises InvalidSettingsError, which names every wrong variable and never shows a value."""
    problems: list[str] = []

    def read(name: str, kind: Callable[[str], Value], otherwise: Value, what: str) -> Value:
        text = os.environ.get(name, "").strip()
        try:
            return kind(text) if text else otherwise
        except ValueError:
            problems.append(f"{name}: is no {what}; mend it, or take it out")
            return otherwise

    def of_traces(name: str) -> str:
        """The name of the variable for traces where that is set, otherwise of the one for all signals."""
        alone = f"OTEL_EXPORTER_OTLP_TRACES_{name}"
        return alone if os.environ.get(alone) else f"OTEL_EXPORTER_OTLP_{name}"

    found = Collector(
        signals=_signals(),
        traces_url=read(of_traces("ENDPOINT"), _url, DEFAULT_ENDPOINT, "URL that begins with http:// or https://"),
        headers=read(of_traces("HEADERS"), _headers, "", "list of name=value without control characters"),
        timeout_seconds=read(of_traces("TIMEOUT"), _seconds, 10.0, "number of seconds"),
        compression=read(of_traces("COMPRESSION"), _compression, "none", f"one of {', '.join(COMPRESSIONS)}"),
        certificate=read(of_traces("CERTIFICATE"), _file, None, "file that can be read"),
        client_certificate=read(of_traces("CLIENT_CERTIFICATE"), _file, None, "file that can be read"),
        client_key=read(of_traces("CLIENT_KEY"), _file, None, "file that can be read"),
        delay_seconds=read("OTEL_BSP_SCHEDULE_DELAY", _milliseconds, 5.0, "number of milliseconds"),
        queue_spans=read("OTEL_BSP_MAX_QUEUE_SIZE", _count, 2048, "whole number of spans"),
        batch_spans=read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _count, 512, "whole number of spans"),
    )
    if problems:
        raise InvalidSettingsError(problems)
    if not os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):  # otherwise the endpoint is the base for all signals
        return replace(found, traces_url=found.traces_url.removesuffix("/") + "/v1/traces")
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


def _file(text: str) -> Path | None:
    if not os.access(text, os.R_OK):
        raise ValueError
    return Path(text)
