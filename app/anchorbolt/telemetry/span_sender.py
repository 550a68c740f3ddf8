"""Sends spans to the collector by OTLP over HTTP, on the event loop. A batch takes a few milliseconds of it.

As OTLP demands, a batch that the collector cannot take now is sent again after a backoff, within
OTEL_EXPORTER_OTLP_TIMEOUT. Spans that it rejects or never gets are counted and dropped. No delivery waits for spans.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import ssl
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
from google.protobuf.message import DecodeError
from opentelemetry import context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.re import parse_env_headers

from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics, otlp_spans
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.span import OwnSpan
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.telemetry.traces import NOT_TRACED

log = get_logger("telemetry")

# The statuses after which OTLP over HTTP allows to send again.
PASSING = frozenset({429, 502, 503, 504})
# How many spans are encoded before other tasks of the event loop run.
SLICE = 64
MOST_OF_AN_ANSWER = 65_536
SAID_EVERY_SECONDS = 60.0

COMPRESS: dict[str, Callable[[bytes], bytes]] = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


class SpanSender:
    """A bounded queue of spans, and a task that sends them."""

    def __init__(
        self,
        collector: Collector,
        resource: Mapping[str, Any],
        scope: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`resource`: the attributes of this process. `scope`: the name of the instrumentation scope."""
        self._collector = collector
        self._resource = resource
        self._scope = scope
        self._clock = clock
        self._chance = chance
        self._waiting: deque[OwnSpan | ReadableSpan] = deque()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self._quiet_until = 0.0
        self._tls = _tls(collector)
        self._headers = {"content-type": "application/x-protobuf", **parse_env_headers(collector.headers, liberal=True)}
        if collector.compression != "none":
            self._headers["content-encoding"] = collector.compression

    @property
    def is_full(self) -> bool:
        """Whether to begin no more traces, because the collector is too slow or away.

        While it is away, one span is kept in the queue, to find out when the collector is back.
        """
        return len(self._waiting) >= (1 if self._is_away else self._collector.queue_spans)

    def put(self, span: OwnSpan | ReadableSpan) -> None:
        """Adds a span that has ended to the queue, or counts it as dropped where the queue is full."""
        if len(self._waiting) >= self._collector.queue_spans:
            metrics.spans_dropped.add("queue_full")
            return
        self._waiting.append(span)
        if len(self._waiting) >= self._collector.batch_spans:
            self._wake.set()

    def start(self) -> None:
        """Starts the sending task on the worker's event loop."""
        self._task = spawn(self._run(), "span sender")

    async def close(self) -> None:
        """Sends what is in the queue, without retries. The caller may cancel it to stop waiting."""
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            try:
                await asyncio.wait([self._task])
            finally:
                self._task.cancel()

    async def _run(self) -> None:
        context.attach(NOT_TRACED)  # no spans about the sending of spans where a team traces its HTTP clients
        connector = aiohttp.TCPConnector(limit=1, ssl=self._tls)
        async with aiohttp.ClientSession(
            connector=connector, trust_env=True, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while self._waiting or not self._closing.is_set():
                await _wait(self._wake, self._collector.delay_seconds)
                self._wake.clear()
                left = len(self._waiting)
                while left > 0:
                    batch = [self._waiting.popleft() for _ in range(min(left, self._collector.batch_spans))]
                    left -= len(batch)
                    await self._send(session, batch)

    async def _send(self, session: aiohttp.ClientSession, spans: Sequence[OwnSpan | ReadableSpan]) -> None:
        deadline = self._clock() + self._collector.timeout_seconds
        body = COMPRESS[self._collector.compression](await self._encode(spans))
        tries = 0
        while True:
            tries += 1
            wait_seconds = 2 ** (tries - 1) * (0.8 + 0.4 * self._chance())
            try:
                async with asyncio.timeout(deadline - self._clock()):
                    status, retry_after, answer = await self._post(session, body)
            except (
                aiohttp.ClientError,
                OSError,
                TimeoutError,
                ValueError,
            ) as error:  # ValueError: a bad name or header
                problem = f"{type(error).__name__}: {error}".removesuffix(": ")
            else:
                if 200 <= status < 300:
                    self._is_away = False
                    self._accepted(answer)
                    return
                problem = f"it answered {status}"
                if status not in PASSING:
                    break
                if retry_after is not None and tries == 1:  # once, because "0" each time would be a storm
                    wait_seconds = retry_after
                elif retry_after is not None:
                    wait_seconds = max(wait_seconds, retry_after)
            if self._closing.is_set() or self._clock() + wait_seconds >= deadline:
                break
            await _wait(self._closing, wait_seconds)
        self._is_away = True
        self._gave_up(len(spans), "not_sent", problem)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> tuple[int, float | None, bytes]:
        async with session.post(
            self._collector.traces_url, data=body, headers=self._headers, allow_redirects=False
        ) as response:
            answer = await response.content.read(MOST_OF_AN_ANSWER)
            return response.status, _seconds(response.headers.get("retry-after", "")), answer

    async def _encode(self, spans: Sequence[OwnSpan | ReadableSpan]) -> bytes:
        request = ExportTraceServiceRequest()
        ours = otlp_spans.begin(request, self._resource, self._scope)
        for number, span in enumerate(spans, start=1):
            try:
                if isinstance(span, OwnSpan):
                    otlp_spans.add(ours, span)
                else:
                    request.MergeFrom(encode_spans([span]))
            except Exception as error:  # a listener may have set anything
                self._gave_up(1, "unreadable", type(error).__name__)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return request.SerializeToString()

    def _accepted(self, answer: bytes) -> None:
        """Counts the spans that the collector rejected by its answer. They must not be sent again."""
        with contextlib.suppress(DecodeError):
            partly = ExportTraceServiceResponse.FromString(answer).partial_success
            if partly.rejected_spans:
                self._gave_up(partly.rejected_spans, "rejected", partly.error_message)

    def _gave_up(self, spans: int, reason: str, problem: str) -> None:
        metrics.spans_dropped.add(reason, amount=spans)
        if self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + SAID_EVERY_SECONDS
            log.warning(
                "spans were dropped: the collector did not take them; deliveries go on without",
                reason=reason,
                error=problem,
                advice="look at OTEL_EXPORTER_OTLP_ENDPOINT and at the collector; anchorbolt_spans_dropped counts them",
            )


def _seconds(text: str) -> float | None:
    """The seconds of a Retry-After header. None for a date or a value that is no time to wait."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None  # this excludes "nan" too


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _tls(collector: Collector) -> ssl.SSLContext | bool:
    """The TLS settings of the variables. True means the system's certificates."""
    if collector.certificate is None and collector.client_certificate is None:
        return True
    try:
        tls = ssl.create_default_context(cafile=collector.certificate)
        if collector.client_certificate is not None:
            tls.load_cert_chain(collector.client_certificate, collector.client_key)
    except OSError as error:
        raise InvalidSettingsError([f"OTEL_EXPORTER_OTLP_CERTIFICATE and its like: cannot be used: {error}"]) from None
    return tls
