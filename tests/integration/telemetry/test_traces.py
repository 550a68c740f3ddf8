"""One trace a delivery, from the request to its last attempt, in whichever pod that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.instruments import Counter, Histogram

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import free_ports
from tests.support.collector import Collector, SpanSeen
from tests.support.listener_log import ListenerLog

# OTLP's numbers.
SERVER, CLIENT, CONSUMER = 2, 3, 5


@pytest.fixture
def collector() -> Iterator[Collector]:
    """What the app sends its telemetry to."""
    with Collector() as running:
        yield running


async def test_an_event_that_runs_twice_is_one_trace(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, collector: Collector
) -> None:
    """The request, both attempts with the listener's name and their Web API calls are one trace; it has no
    text of the message."""
    app = start_app(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    await app.until_ready()
    # 1. An event whose first attempt calls Slack and fails, and whose second one calls and is done.
    sample = make("app_mention", Scene(text="api=conversations.list fail=1 very-secret"))
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)
    # 2. What is not sent yet is sent at the end of the drain.
    app.terminate()
    assert await app.until_ended() == 0
    # 3. The request is the root.
    spans = [span for span in collector.spans if span.name != "auth.test"]
    (request,) = (span for span in spans if span.kind == SERVER)
    assert {span.trace_id for span in spans} == {request.trace_id}
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["slack.type"] == "app_mention"
    # 4. The attempts are under it, in order, each with its listener and its outcome.
    first, second = sorted((span for span in spans if span.kind == CONSUMER), key=lambda span: span.began)
    assert {first.parent_id, second.parent_id} == {request.span_id}
    assert [span.attributes.get("anchorbolt.attempt") for span in (first, second)] == [None, 2]
    assert [span.attributes["anchorbolt.outcome"] for span in (first, second)] == ["failed", "done"]
    assert [span.failed for span in (first, second)] == [True, False]
    assert first.attributes["error.type"] == "AskedToFailError"
    assert first.attributes["code.function.name"] == "tests.support.listeners.on_event"
    # 5. The calls are under the attempts.
    calls = [span for span in spans if span.kind == CLIENT]
    assert sorted((span.name, span.parent_id) for span in calls) == sorted(
        [("conversations.list", first.span_id), ("conversations.list", second.span_id)]
    )
    assert calls[0].attributes["url.full"].endswith("/api/conversations.list")
    # 6. The lines of the run name the trace.
    ended = app.log("delivery ended")
    assert {line["trace_id"] for line in ended} == {request.trace_id}
    # 7. No text.
    assert not [body for body in collector.raw if b"very-secret" in body]
    assert collector.resources[0]["service.name"] == "anchorbolt"
    # 8. The histograms name the trace too: how long the ack took, and the runs.
    for name in ("anchorbolt.ack.duration", "anchorbolt.attempt.duration"):
        points = collector.metrics[name].histogram.data_points
        linked = {exemplar.trace_id.hex() for point in points for exemplar in point.exemplars}
        assert linked == {request.trace_id}


async def test_a_command_that_goes_on_after_its_ack_is_one_trace(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, collector: Collector
) -> None:
    """A command's listener runs under its request, also after the answer; that it was stored is told."""
    app = start_app(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    await app.until_ready()
    sample = make("command", Scene(text="hold=it"))
    assert (await play_to(app).send(sample)).status == 200
    listener_log.release("it")
    await listener_log.until_said("done", key=sample.key)
    app.terminate()
    assert await app.until_ended() == 0
    request, run = of_kind(collector, SERVER), of_kind(collector, CONSUMER)
    assert run.parent_id == request.span_id
    assert run.events[-1] == "stored"
    assert run.ended > request.ended
    assert run.attributes["anchorbolt.outcome"] == "done"


async def test_another_pod_goes_on_with_the_trace(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, collector: Collector
) -> None:
    """What a killed process had accepted is finished by the next one under the same trace."""
    app = start_app(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50")
    await app.until_ready()
    sample = make("app_mention", Scene(text="hold=it"))
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("start", key=sample.key)
    app.kill()
    listener_log.release("it")
    again = start_app(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    await again.until_ready()
    await listener_log.until_said("done", key=sample.key)
    again.terminate()
    assert await again.until_ended() == 0
    run = of_kind(collector, CONSUMER)
    assert run.attributes["messaging.message.id"] == sample.key
    assert run.attributes["anchorbolt.attempt"] == 2
    requests = [span for span in collector.spans if span.kind == SERVER]
    assert {span.trace_id for span in requests} <= {run.trace_id}


async def test_what_is_not_sampled_is_not_traced(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, collector: Collector
) -> None:
    """The standard sampler decides once for a request: no request, no attempt and no call of a delivery that it leaves
    out."""
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    app = start_app(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **sampler)
    await app.until_ready()
    sample = make("app_mention", Scene(text="api=conversations.list"))
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)
    app.terminate()
    assert await app.until_ended() == 0
    assert collector.spans == []
    assert "anchorbolt.deliveries" in collector.metrics  # the collector was there


async def test_metrics_go_to_the_collector_too(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, collector: Collector
) -> None:
    """Counters, gauges and histograms arrive with their units and labels, the last time at the end of the drain."""
    app = start_app(OTEL_METRICS_EXPORTER="otlp", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=collector.url + "/v1/metrics")
    await app.until_ready()
    sample = make("app_mention", Scene())
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)
    app.terminate()
    assert await app.until_ended() == 0
    duration = collector.metrics["anchorbolt.ack.duration"]
    assert duration.unit == "s"
    (point,) = (point for point in duration.histogram.data_points if point.attributes[0].value.string_value == "event")
    assert point.count == 1
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    done = collector.metrics["anchorbolt.deliveries"].sum
    assert done.is_monotonic
    assert sum(point.as_double for point in done.data_points) == 1
    assert collector.metrics["anchorbolt.drain.duration"].gauge.data_points[0].as_double > 0
    counted = {one.name for one in metrics.ALL if isinstance(one, Counter | Histogram) and not one.labels}
    assert counted <= set(collector.metrics)
    assert collector.spans == []


async def test_a_collector_that_is_away_costs_no_delivery(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """With nobody at the collector's address all is answered and run, the process drains in time, and the log says so
    a few times, not for every span; those are counted."""
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_ports()[0]}", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
    app = start_app(OTEL_BSP_SCHEDULE_DELAY="20", **away)
    await app.until_ready()
    for number in range(50):
        assert (await play_to(app).send(make("app_mention", Scene(text=f"n={number}")))).status == 200
    await listener_log.until_said("done", times=50)
    await app.until_logged("spans were dropped: the collector did not take them; deliveries go on without")
    app.terminate()
    assert await app.until_ended(within_seconds=20) == 0
    about_it = [line for line in app.log() if line["logger"].startswith("opentelemetry")]
    assert 1 <= len(about_it) < 10
    (said,) = app.log("spans were dropped: the collector did not take them; deliveries go on without")
    assert said["reason"] == "not_sent"


def of_kind(collector: Collector, kind: int) -> SpanSeen:
    """The one span of that kind."""
    (found,) = (span for span in collector.spans if span.kind == kind)
    return found
