"""Spans reach the collector, or are counted; nothing waits for them, and nothing grows."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics, span_sender
from anchorbolt.telemetry.span import OwnSpan
from anchorbolt.telemetry.span_sender import SpanSender
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.trace import SpanKind
from structlog.testing import capture_logs

from tests.support.app_process import free_ports
from tests.support.canned_server import CLOSED, SILENCE, CannedServer, answer, canned_server
from tests.support.waiting import until

PROTOBUF = b"application/x-protobuf"
TAKEN = answer(b"", kind=PROTOBUF)
AT_ONCE = b"Retry-After: 0"
SOON = Collector(frozenset({"traces"}), delay_seconds=0.01)


def ended(name: str = "span") -> OwnSpan:
    """A span of ours."""
    span = OwnSpan(name, SpanKind.SERVER, (1, None), {}, lambda span: None)
    span.end()
    return span


def refused(status: bytes, *headers: bytes) -> bytes:
    """The collector does not take it."""
    return answer(b"", *headers, status=status)


def names(request: bytes, unpack: Callable[[bytes], bytes] = bytes) -> list[str]:
    """The spans of a request."""
    body = unpack(request.partition(b"\r\n\r\n")[2])
    found = ExportTraceServiceRequest.FromString(body)
    return [span.name for resource in found.resource_spans for scope in resource.scope_spans for span in scope.spans]


def dropped(reason: str) -> float:
    """As the metric counts them."""
    return metrics.spans_dropped.value(reason)


@asynccontextmanager
async def sending(
    answers: Sequence[bytes], collector: Collector = SOON, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[CannedServer, SpanSender]]:
    """A collector that gives these answers, and a sender that sends to it."""
    async with canned_server(answers, tls) as server:
        sender = SpanSender(replace(collector, traces_url=server.url), {"service.name": "anchorbolt"}, "anchorbolt")
        sender.start()
        yield server, sender
        async with asyncio.timeout(30):
            await sender.close()


async def test_spans_arrive_together() -> None:
    """What ended within the delay is one request, with the names of the process and of the app in it."""
    async with sending([TAKEN]) as (server, sender):
        for name in "abc":
            sender.put(ended(name))
        ((_, request),) = await until(lambda: server.requests, what="a request")
    assert names(request) == ["a", "b", "c"]
    assert request.startswith(b"POST /api/ HTTP/1.1\r\n")
    assert b"content-type: application/x-protobuf" in request.lower()
    (resource,) = ExportTraceServiceRequest.FromString(request.partition(b"\r\n\r\n")[2]).resource_spans
    assert resource.resource.attributes[0].value.string_value == "anchorbolt"
    assert resource.scope_spans[0].scope.name == "anchorbolt"


async def test_a_full_batch_does_not_wait() -> None:
    """A batch goes when it is full, however long the delay is; a rest goes at the end."""
    async with sending([TAKEN, TAKEN], replace(SOON, delay_seconds=3600, batch_spans=3)) as (server, sender):
        for name in "abc":
            sender.put(ended(name))
        await until(lambda: server.requests, what="the batch")
        sender.put(ended("d"))
    assert [names(request) for _, request in server.requests] == [["a", "b", "c"], ["d"]]


@pytest.mark.parametrize(
    "first",
    [
        refused(b"429 Too Many Requests", AT_ONCE),
        refused(b"502 Bad Gateway", AT_ONCE),
        refused(b"503 Service Unavailable", AT_ONCE),
        refused(b"504 Gateway Timeout", AT_ONCE),
        CLOSED,
    ],
)
async def test_what_cannot_be_taken_now_is_sent_again(first: bytes) -> None:
    """The statuses that OTLP calls retryable, and a lost connection: the same spans come again, and none is lost."""
    before = dropped("not_sent")
    async with sending([first, TAKEN]) as (server, sender):
        sender.put(ended("again"))
        await until(lambda: len(server.requests) == 2, what="the second try")
    assert [names(request) for _, request in server.requests] == [["again"], ["again"]]
    assert dropped("not_sent") == before


async def test_a_backoff_is_as_long_as_the_collector_says() -> None:
    """A Retry-After that is longer than the time limit ends it at once: nobody waits for nothing."""
    before = dropped("not_sent")
    async with sending([refused(b"503 Service Unavailable", b"Retry-After: 3600"), TAKEN]) as (server, sender):
        sender.put(ended("late"))
        await until(lambda: dropped("not_sent") - before == 1, what="it is given up")
        sender.put(ended("next"))
        await until(lambda: len(server.requests) == 2, what="the next batch")
    assert names(server.requests[1][1]) == ["next"]


@pytest.mark.parametrize("retry_after", [b"0", b"-5", b"nan", b"soon"])
async def test_a_collector_that_is_busy_is_not_stormed(retry_after: bytes) -> None:
    """Whatever it says of its own patience: after a second try at once, each wait is twice as long as the last."""
    before = dropped("not_sent")
    busy = refused(b"503 Service Unavailable", b"Retry-After: " + retry_after)
    async with sending([busy] * 100, replace(SOON, timeout_seconds=0.5)) as (server, sender):
        sender.put(ended())
        await until(lambda: dropped("not_sent") - before == 1, what="it is given up")
        assert len(server.requests) <= 2


@pytest.mark.parametrize("of_host", [True, False])
async def test_what_cannot_even_be_sent_is_counted(of_host: bool) -> None:
    """A name or a header that the HTTP client refuses loses the spans, and the sender lives."""
    before = dropped("not_sent")
    async with canned_server([TAKEN]) as server:
        wrong = {"traces_url": "http://a..b/"} if of_host else {"traces_url": server.url, "headers": "name=a%0Ab"}
        sender = SpanSender(replace(SOON, timeout_seconds=0.1, **wrong), {}, "anchorbolt")  # type: ignore[arg-type]
        sender.start()
        for number in range(2):
            sender.put(ended())
            await until(lambda: dropped("not_sent") - before == number + 1, what="it is counted")  # noqa: B023
        await sender.close()


@pytest.mark.parametrize("status", [b"400 Bad Request", b"401 Unauthorized", b"307 Temporary Redirect", b"500 Oh"])
async def test_what_is_not_wanted_is_not_sent_again(status: bytes) -> None:
    """Any other status: the spans are counted, and the log says so once a minute and what to look at."""
    before = dropped("not_sent")
    with capture_logs() as lines:
        async with sending([refused(status), refused(status)]) as (server, sender):
            for number in range(2):
                sender.put(ended())
                await until(lambda: dropped("not_sent") - before == number + 1, what="it is counted")  # noqa: B023
    assert len(server.requests) == 2
    (line,) = lines
    assert line["error"] == f"it answered {status[:3].decode()}"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in line["advice"]


async def test_a_collector_that_is_away() -> None:
    """Nobody at the address: within the time limit it is tried again, then the spans are counted."""
    before = dropped("not_sent")
    url = f"http://127.0.0.1:{free_ports()[0]}/v1/traces"
    sender = SpanSender(replace(SOON, traces_url=url, timeout_seconds=0.5), {}, "anchorbolt")
    sender.start()
    with capture_logs() as lines:
        sender.put(ended())
        await until(lambda: dropped("not_sent") - before == 1, what="it is counted")
    await sender.close()
    assert lines[0]["error"].startswith("ClientConnectorError")


async def test_a_collector_that_says_nothing() -> None:
    """A connection on which no answer comes is left after the time limit."""
    before = dropped("not_sent")
    async with sending([SILENCE], replace(SOON, timeout_seconds=0.2)) as (_, sender):
        sender.put(ended())
        await until(lambda: dropped("not_sent") - before == 1, what="it is counted")


async def test_what_is_taken_in_part_is_counted() -> None:
    """A collector that rejected some of the spans says how many; they are not sent again."""
    before = dropped("rejected")
    partly = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="too old")
    )
    async with sending([answer(partly.SerializeToString(), kind=PROTOBUF)]) as (server, sender):
        sender.put(ended())
        await until(lambda: dropped("rejected") - before == 3, what="they are counted")
    assert len(server.requests) == 1


async def test_an_answer_that_is_no_protobuf_is_an_answer() -> None:
    """A proxy that answers 200 in words took it, as far as anybody knows."""
    before = dropped("not_sent")
    async with sending([answer(b"<html>fine</html>"), TAKEN]) as (server, sender):
        sender.put(ended())
        await until(lambda: server.requests, what="a request")
        sender.put(ended())
        await until(lambda: len(server.requests) == 2, what="the next")
    assert dropped("not_sent") == before


async def test_the_queue_is_bounded() -> None:
    """Over OTEL_BSP_MAX_QUEUE_SIZE spans are counted instead of kept."""
    before = dropped("queue_full")
    sender = SpanSender(replace(SOON, queue_spans=3), {}, "anchorbolt")
    for _ in range(3):
        assert not sender.is_full
        sender.put(ended())
    assert sender.is_full
    sender.put(ended())
    assert dropped("queue_full") - before == 1


async def test_a_collector_that_is_away_is_asked_with_little() -> None:
    """After a batch that was given up, one span that waits is as many as are wanted, until the collector is back."""
    async with sending([refused(b"500 Oh"), TAKEN, TAKEN]) as (server, sender):
        sender.put(ended())
        await until(lambda: server.requests, what="the batch that fails")
        sender.put(ended())
        await until(lambda: len(server.requests) == 2, what="the one that finds it there")
        await until(lambda: not sender._is_away, what="it is known to be there")
        sender.put(ended())
        assert not sender.is_full
    sender = SpanSender(replace(SOON, traces_url=f"http://127.0.0.1:{free_ports()[0]}", timeout_seconds=0.1), {}, "")
    sender.start()
    before = dropped("not_sent")
    sender.put(ended())
    await until(lambda: dropped("not_sent") - before == 1, what="it is given up")
    assert not sender.is_full
    sender.put(ended())
    assert sender.is_full
    await sender.close()


async def test_a_span_that_cannot_be_written_is_counted() -> None:
    """A listener that sets what is no name of an attribute loses that span, and no other."""
    before = dropped("unreadable")
    async with sending([TAKEN]) as (server, sender):
        odd = ended("odd")
        odd.attributes[5] = "a number as a name"  # type: ignore[index]
        for span in (ended("a"), odd, ended("b")):
            sender.put(span)
        ((_, request),) = await until(lambda: server.requests, what="a request")
    assert names(request) == ["a", "b"]
    assert dropped("unreadable") - before == 1


@pytest.mark.parametrize(("compression", "unpack"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
async def test_compression_and_headers(compression: str, unpack: Any) -> None:
    """The body is packed as OTEL_EXPORTER_OTLP_COMPRESSION says, and the headers of the variable go with it."""
    asked = replace(SOON, compression=compression, headers="authorization=Bearer%20abc,x-tenant=7")
    async with sending([TAKEN], asked) as (server, sender):
        sender.put(ended("small"))
        ((_, request),) = await until(lambda: server.requests, what="a request")
    assert names(request, unpack) == ["small"]
    head = request.partition(b"\r\n\r\n")[0].lower()
    for line in (f"content-encoding: {compression}".encode(), b"authorization: bearer abc", b"x-tenant: 7"):
        assert line in head


async def test_a_certificate_of_ones_own(tmp_path: Path) -> None:
    """With OTEL_EXPORTER_OTLP_CERTIFICATE a collector with that certificate is trusted, and without it is not."""
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, [*request, *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with sending([TAKEN], replace(SOON, certificate=certificate), tls) as (server, sender):
        sender.put(ended("trusted"))
        await until(lambda: server.requests, what="a request")
    before = dropped("not_sent")
    async with sending([TAKEN], replace(SOON, timeout_seconds=0.5), tls) as (server, sender):
        sender.put(ended())
        await until(lambda: dropped("not_sent") - before == 1, what="it is counted")
    assert server.requests == []
    with pytest.raises(InvalidSettingsError, match="OTEL_EXPORTER_OTLP_CERTIFICATE"):
        SpanSender(replace(SOON, certificate=tmp_path), {}, "anchorbolt")


async def test_the_end_can_be_cut_short() -> None:
    """Who does not want to wait for a collector that says nothing stops waiting, and the sender ends too."""
    async with canned_server([SILENCE]) as server:
        sender = SpanSender(replace(SOON, traces_url=server.url, timeout_seconds=3600), {}, "anchorbolt")
        sender.start()
        sender.put(ended())
        await until(lambda: server.requests, what="a request")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sender.close()
        await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name() == "span sender"])


async def test_the_end_does_not_wait_for_a_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that is closed in the middle of a backoff tries once more, and ends."""
    before = dropped("not_sent")
    waits, wait = list[float](), span_sender._wait

    async def noted(event: asyncio.Event, seconds: float) -> None:
        waits.append(seconds)
        await wait(event, seconds)

    monkeypatch.setattr(span_sender, "_wait", noted)
    away = refused(b"503 Service Unavailable", b"Retry-After: 9")
    async with sending([away, away]) as (server, sender):
        sender.put(ended("last"))
        await until(lambda: 9.0 in waits, what="the backoff after the first try")
    assert [names(request) for _, request in server.requests] == [["last"], ["last"]]
    assert dropped("not_sent") - before == 1
