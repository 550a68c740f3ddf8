"""Instructions that the spans of a delivery cost: made, searched for secrets, encoded; counted by callgrind.

python -m bench.spans              traced deliveries, and those that the sampler leaves out; about half a minute

Only the telemetry of an event with one Web API call runs, in one thread and without a server, so that the counts do not
change with what else the machine does. `bench.telemetry --instructions` counts whole deliveries.
"""

from __future__ import annotations

import contextvars
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.meters import SCOPE, resource
from anchorbolt.telemetry.otlp import tracer_provider
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from bench.instructions import TOTAL
from bench.scratch import scratch

# Three spans each: they fill a batch of 512.
DELIVERIES = 170
NAME = re.compile(r"^desc: Trigger: .*?(\w+)$", re.MULTILINE)


def main() -> None:
    if sys.argv[1:2] == ["counted"]:
        _counted(sys.argv[2])
        return
    print(f"thousand instructions a delivery, {DELIVERIES} deliveries")
    for sampled in ("traced", "left-out", "off"):
        with scratch("spans") as directory:
            told = _count(sampled, directory)
        print(f"{sampled:<10}" + "  ".join(f"{name} {value:,.1f}" for name, value in told.items()), flush=True)


def _count(sampled: str, directory: Path) -> dict[str, float]:
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={directory / 'out'}"]
    command = [*tool, sys.executable, "-m", "bench.spans", "counted", sampled]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    files = sorted(directory.glob("out.*"), key=lambda file: int(file.suffix[1:]))
    found: dict[str, float] = {}
    for text in (file.read_text() for file in files):
        name, total = NAME.search(text), TOTAL.search(text)
        if name is not None and total is not None:
            found[name[1]] = int(total[1]) / DELIVERIES / 1_000
    return found


def _counted(sampled: str) -> None:
    """What runs under callgrind: a dump of its counts after each step."""
    memory = InMemorySpanExporter()
    collector = Collector(frozenset({"traces"}), delay_seconds=3_600)
    ratio = ParentBased(TraceIdRatioBased(1 if sampled == "traced" else 0))
    provider, _, sampler = tracer_provider(memory, collector, resource("pod"), ratio)
    if sampled != "off":
        traces.switch(provider.get_tracer(SCOPE), sampler.leaves_out)
    for first in (0, DELIVERIES):  # the first round only warms
        if first:
            _control("-i", "on")
            _control("-z")
        for number in range(first, first + DELIVERIES):
            stored = contextvars.copy_context().run(_request, number)
            contextvars.copy_context().run(_attempt, number, stored)
        _control("-d", "made")
        provider.force_flush()
        _control("-d", "searched")
        encode_spans(memory.get_finished_spans()).SerializePartialToString()
        _control("-d", "encoded")
        memory.clear()
    os._exit(0)


def _control(*arguments: str) -> None:
    command: Sequence[str] = ["callgrind_control", *arguments, str(os.getpid())]
    subprocess.run(command, check=True, capture_output=True)


def _request(number: int) -> str | None:
    trace = traces.begin_request(traces.HTTP)
    if trace is not None:
        trace.mark("verified")
        if not trace.identify("event", "app_mention", f"A0123456789:Ev{number:010d}", None, f"{number:032x}"):
            trace = None
    stored = traces.traceparent()
    if trace is not None:
        trace.mark("accepted")
        trace.end(200)
    return stored


def _attempt(number: int, stored: str | None) -> None:
    trace = traces.begin_attempt(stored, "event", f"A0123456789:Ev{number:010d}", 1, received_at=time.time())
    if trace is not None:
        trace.found("bench.listeners.twenty.event_3")
    call = traces.begin_call("chat.postMessage", "https://slack.com/api/")
    if call is not None:
        call.end("ok", 200)
    if trace is not None:
        trace.end("done")


if __name__ == "__main__":
    main()
