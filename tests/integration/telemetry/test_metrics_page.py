"""`/metrics` says what docs/metrics.md says that it does, and counts what happened."""

from __future__ import annotations

import re

from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import Forgery

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import ROOT
from tests.support.listener_log import ListenerLog
from tests.support.metrics_page import MetricsPage
from tests.support.waiting import until_answer

ROW = re.compile(r"^\| `(anchorbolt_\w+)` \| (counter|gauge|histogram) \| ([^|]*)\| (.+) \|$", re.MULTILINE)
# Prometheus adds this label itself.
LE = "le"


async def test_the_page_and_its_documentation_agree(start_app: StartApp, play_to: PlayTo) -> None:
    """Every metric of docs/metrics.md is on the page with its type and its labels, and the other way round."""
    app = start_app(LISTENERS="anchorbolt_sample")
    await app.until_ready()
    # 1. One request of every kind, one that Slack's API limits, so that every label has been used.
    for name in SAMPLES:
        await play_to(app).send(make(name, Scene()))
    await app.until_logged("delivery ended")

    async def page() -> MetricsPage | None:
        found = await MetricsPage.of(app)
        return found if "anchorbolt_waiting_deliveries" in found.text.replace("# ", "") else None

    families = (await until_answer(page, what="the inbox was counted")).families
    # 2. What the page has.
    shown = {}
    for name, family in families.items():
        if name.startswith("anchorbolt_"):
            labels = {label for sample in family.samples for label in sample.labels} - {LE}
            shown[name] = (family.type, labels)
    # 3. What the documentation has. Nothing was retried or limited here: metrics whose labels nobody knows before the
    # first value are not on the page.
    told = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in table()}
    quiet = {"anchorbolt_web_api_retries_total", "anchorbolt_web_api_rate_limits_total"}
    assert {name: told[name][1] for name in quiet} == {name: {"method"} for name in quiet}
    unknown = "anchorbolt_web_api_unknown_words_total"
    assert told[unknown][1] == {"word"}
    failing = "anchorbolt_listener_failures_total"
    assert told[failing][1] == {"listener"}
    regional = "anchorbolt_region_drained"  # nothing without REGION
    assert told[regional][1] == {"region"}
    quiet |= {unknown, failing, regional}
    assert {name: found for name, found in shown.items() if name not in quiet} == {
        name: found for name, found in told.items() if name not in quiet
    }
    assert not quiet & set(shown)


async def test_what_happened_is_counted(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """Acks, ends, attempts, duplicates, retries and refusals are counted where they belong, each once."""
    app = start_app(MAX_ATTEMPTS=2)
    await app.until_ready()
    slack = play_to(app)
    # 1. An event that is done, and Slack's retry of it.
    done = make("app_mention", Scene(text="n=1"))
    await slack.send(done)
    await listener_log.until_said("done", key=done.key)
    await slack.send(done, retry_num=1, retry_reason="http_timeout")
    # 2. One that fails until it is a dead letter, and one that fails once.
    dead = make("app_mention", Scene(text="fail=9"))
    await slack.send(dead)
    once = make("app_mention", Scene(text="fail=1"))
    await slack.send(once)
    await listener_log.until_said("done", key=once.key)
    await listener_log.until_said("failed", times=2, key=dead.key)
    # 3. A command, and a request that nobody signed.
    await slack.send(make("command", Scene()))
    await slack.send(make("command", Scene()), forgery=Forgery.BAD_SIGNATURE)

    async def all_ended() -> MetricsPage | None:
        page = await MetricsPage.of(app)
        ended = page.value("anchorbolt_deliveries_total")
        return page if ended >= 4 and page.value("anchorbolt_dead_letters") else None

    page = await until_answer(all_ended, what="four deliveries have ended, and the dead letter is counted")
    assert page.value("anchorbolt_answers_total", kind="event", result="ok") == 4
    assert page.value("anchorbolt_ack_duration_seconds_count", kind="event") == 4
    assert page.value("anchorbolt_deliveries_total", kind="event", outcome="done") == 2
    assert page.value("anchorbolt_deliveries_total", kind="event", outcome="dead") == 1
    assert page.value("anchorbolt_deliveries_total", kind="command", outcome="done") == 1
    assert page.value("anchorbolt_deliveries_total") == 4
    assert page.value("anchorbolt_attempts_total", kind="event", outcome="failed") == 2
    assert page.value("anchorbolt_attempts_total", kind="event", outcome="dead") == 1
    listener = "tests.support.listeners.on_event"
    assert page.value("anchorbolt_attempt_duration_seconds_count", listener=listener) == 5
    assert page.value("anchorbolt_duplicates_total") == 1
    assert page.value("anchorbolt_slack_retries_total", reason="http_timeout") == 1
    assert page.value("anchorbolt_refused_total", reason="bad_signature") == 1
    assert page.value("anchorbolt_answers_total") == 5  # what is not Slack's is no answer to Slack
    assert page.value("anchorbolt_busiest_workspaces_events", rank="1") == 4
    assert page.value("anchorbolt_dead_letters") == 1
    assert page.value("anchorbolt_store_up") == 1


def table() -> list[tuple[str, str, str, str]]:
    """The rows of docs/metrics.md."""
    return ROW.findall((ROOT / "docs/metrics.md").read_text())
