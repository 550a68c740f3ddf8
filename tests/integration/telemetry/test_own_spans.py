"""A team's own spans, and those of its instrumentation libraries, are in the trace of the delivery."""

from __future__ import annotations

import httpx
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.app.conftest import StartApp
from tests.support.canned_server import answer, canned_server
from tests.support.collector import Collector

TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_teams_spans_hang_under_ours(start_app: StartApp) -> None:
    """From the span of a proxy over request and attempt to a step of the team's, and the HTTP request in it, which
    tells the team's service of the trace. What the team put into its span is redacted."""
    with Collector() as collector:
        async with canned_server([answer(b"fine")]) as service:
            app = start_app(
                LISTENERS="tests.integration.telemetry.tracing_listeners",
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
                TEAMS_SERVICE=service.url,
            )
            await app.until_ready()
            sample = make("app_mention", Scene())
            headers = request_headers(sample, EMULATOR_SECRET) | {"traceparent": f"00-{TRACE}-{ABOVE}-01"}
            async with httpx.AsyncClient(trust_env=False, verify=False) as proxy:
                assert (await proxy.post(app.url, content=sample.body, headers=headers)).is_success
            await app.until_logged("delivery ended")
            app.terminate()
            assert await app.until_ended() == 0
            ((_, asked),) = service.requests
    request, run, step, http, said = (
        next(span for span in collector.spans if span.name == name)
        for name in ("POST /slack/events", "process event", "look it up", "GET", "chat.postMessage")
    )
    assert {span.trace_id for span in (request, run, step, http, said)} == {TRACE}
    assert request.parent_id == ABOVE
    assert run.parent_id == request.span_id
    assert step.parent_id == run.span_id
    assert http.parent_id == step.span_id
    assert said.parent_id == run.span_id
    assert f"{TRACE}-{http.span_id}".encode() in asked
    assert step.events == ("exception",)
    assert not [body for body in collector.raw if b"planted" in body]
