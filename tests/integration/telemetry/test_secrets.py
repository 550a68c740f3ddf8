"""Secrets, and what people wrote, are not visible from outside."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.telemetry.redact import SECRET_FIELDS

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support import forked_commands
from tests.support.app_process import ROOT, AppProcess
from tests.support.collector import Collector
from tests.support.metrics_page import MetricsPage
from tests.support.waiting import until

TOKEN = "xoxb-of-the-app-itself"
# What people write, and what apps write for them.
TEXTS = frozenset({"text", "value", "title", "label", "placeholder", "description", "initial_value", "user_name"})
# The key of a command or a click holds its trigger: it opens a view for 3 s, with the app's token only.
KEYS = frozenset({"trigger_id"})


async def test_no_secret_and_no_text_is_seen_outside(start_app: StartApp, play_to: PlayTo) -> None:
    """With secrets planted in every payload that there is a sample of, and listeners that log and raise all of them:
    none is in the logs, the traces, the metrics, or in what `inbox list` and `inbox show` print; no text either."""
    with Collector() as collector:
        app = start_app(
            LISTENERS="tests.integration.telemetry.gossiping_listeners",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            SLACK_BOT_TOKEN=TOKEN,
            MAX_ATTEMPTS=2,
        )
        await app.until_ready()
        # 1. Every sample, planted.
        planted: list[str] = []
        stored = 0
        for name in SAMPLES:
            sample, secrets = plant(make(name, Scene()))
            planted += secrets
            ack = await play_to(app).send(sample)
            stored += sample.family == "event" and ack.ok
        assert len(planted) > 50
        # 2. All events have ended as dead letters: what they raised is stored.
        await until(
            lambda: (
                sum(line["outcome"] == "dead" and line["kind"] == "event" for line in app.log("delivery ended"))
                >= stored
            ),
            what="all events are dead letters",
        )
        metrics = (await MetricsPage.of(app)).text
        listed = await command(app, "inbox", "list", "--json") + await command(app, "inbox", "list")
        for line in app.log("delivery ended")[:10]:
            listed += await command(app, "inbox", "show", line["key"]) if line["kind"] == "event" else ""
        app.terminate()
        assert await app.until_ended() == 0
        # 3. The places where somebody looks; each has something about these deliveries.
        places = {
            "logs": app.log_text(),
            "traces": b"".join(collector.raw).decode("latin-1"),
            "metrics": metrics,
            "inbox": listed,
        }
        assert "gossiping_listeners.on_event" in places["logs"]
        assert "gossiping_listeners.on_event" in places["traces"]
        assert "gossiping_listeners.on_event" in places["metrics"]
        assert "ValueError" in places["inbox"]
        # 4. Nothing of it. `inbox show` prints what people wrote: it is for that.
        for place, seen in places.items():
            for secret in (*planted, TOKEN, EMULATOR_SECRET):
                if place == "inbox" and "TEXT" in secret:
                    continue
                assert secret not in seen, f"{secret} is in the {place}"


def plant(sample: Sample) -> tuple[Sample, list[str]]:
    """The sample with something of our own in each field that is secret or a text, and what that is."""
    planted: list[str] = []
    numbers = itertools.count()
    if sample.content_type == "application/json":
        body = json.dumps(_planted(json.loads(sample.body), planted, numbers, sample.kind)).encode()
        return replace(sample, body=body), planted
    form = dict(parse_qsl(sample.body.decode(), keep_blank_values=True))
    if "payload" in form:
        form["payload"] = json.dumps(_planted(json.loads(form["payload"]), planted, numbers, sample.kind))
    else:
        form = _planted(form, planted, numbers, sample.kind)
    return replace(sample, body=urlencode(form).encode()), planted


def _planted(value: Any, planted: list[str], numbers: Iterator[int], kind: str) -> Any:
    if isinstance(value, list):
        return [_planted(inner, planted, numbers, kind) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: _planted(inner, planted, numbers, kind) for name, inner in value.items()}
    for name, inner in found.items():
        what = f"PLANTED-{kind.replace('_', '-')}-{next(numbers)}"
        if name in SECRET_FIELDS - KEYS and isinstance(inner, str):
            found[name] = f"https://hooks.slack.com/{what}" if "url" in name else f"xoxb-{what}"
            planted.append(found[name])
        elif name in TEXTS and isinstance(inner, str):
            found[name] = f"TEXT-{what}"
            planted.append(found[name])
    return found


async def command(app: AppProcess, *arguments: str) -> str:
    """What a command of the app prints, with the app's own settings."""
    environment = {"PYTHONPATH": str(ROOT), "COLUMNS": "500", "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
    environment["DATABASE_URL"] = f"sqlite+aiosqlite:///{app.log_file.parent / 'inbox.db'}"
    done = await asyncio.to_thread(forked_commands.run, app.log_file.parent, environment, arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
