"""Every alert fires when it should, stays silent when it should not, and has its page: by Prometheus' own promtool."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from anchorbolt.telemetry import metrics

from tests.manifests.promtool import needs_promtool, play, promtool
from tests.manifests.render import ROOT
from tests.support.metrics_page import series_of

RULES = ROOT / "k8s/components/monitoring/prometheusrule.yaml"
PAGE = ROOT / "docs/operations/alerts.md"
NAME = re.compile(r"\banchorbolt_[a-z0-9_]+")

NAMESPACE = 'namespace="slack"'
HERE = f'{NAMESPACE}, pod="a-0"'
# Of the 240 minutes that the series cover.
LOOKED_AT_MINUTES = 90
# A pod that is well: each case adds what is wrong.
WELL = {
    f'anchorbolt_info{{{HERE}, receiver="http"}}': "1x240",
    f'anchorbolt_info{{{HERE}, receiver="socket"}}': "_x240",
    f"anchorbolt_socket_connections{{{HERE}}}": "0x240",
    f'anchorbolt_socket_opens_total{{{HERE}, result="refused"}}': "0x240",
    f"anchorbolt_store_up{{{HERE}}}": "1x240",
    f"anchorbolt_paused{{{HERE}}}": "0x240",
    f"anchorbolt_held_listeners{{{HERE}}}": "0x240",
    f"anchorbolt_oldest_waiting_seconds{{{HERE}}}": "0x240",
    f"anchorbolt_drain_duration_seconds{{{HERE}}}": "0x240",
    f'anchorbolt_answers_total{{{HERE}, kind="event", result="ok"}}': "0+60x240",
    f'anchorbolt_answers_total{{{HERE}, kind="event", result="failed"}}': "0x240",
    f'anchorbolt_ack_duration_seconds_bucket{{{HERE}, kind="event", le="2.0"}}': "0+60x240",
    f'anchorbolt_ack_duration_seconds_count{{{HERE}, kind="event"}}': "0+60x240",
    f'anchorbolt_slack_retries_total{{{HERE}, reason="http_timeout"}}': "0x240",
    f"anchorbolt_app_rate_limited_total{{{HERE}}}": "0x240",
    f'anchorbolt_busiest_workspaces_events{{{HERE}, rank="1"}}': "10000x240",
    f'anchorbolt_refused_total{{{HERE}, reason="bad_signature"}}': "0+1x240",
    f'anchorbolt_refused_total{{{HERE}, reason="overloaded"}}': "0x240",
    f'anchorbolt_deliveries_total{{{HERE}, kind="event", outcome="done"}}': "0+60x240",
    f'anchorbolt_deliveries_total{{{HERE}, kind="event", outcome="lost"}}': "0x240",
    f'anchorbolt_deliveries_total{{{HERE}, kind="event", outcome="dead"}}': "0x240",
    f'anchorbolt_attempts_total{{{HERE}, kind="event", outcome="done"}}': "0+60x240",
    f'anchorbolt_attempts_total{{{HERE}, kind="event", outcome="failed"}}': "0+6x240",
    f"anchorbolt_takeovers_total{{{HERE}}}": "0x240",
    f"process_start_time_seconds{{{HERE}}}": "1000x240",
    f'anchorbolt_attempt_duration_seconds_count{{{HERE}, listener="app.answer"}}': "0+60x240",
    f'anchorbolt_listener_failures_total{{{HERE}, listener="app.answer"}}': "0+3x240",
    f"anchorbolt_late_failures_total{{{HERE}}}": "0x240",
    f"anchorbolt_lanes_held{{{HERE}}}": "20x240",
    f"anchorbolt_run_places{{{HERE}}}": "200x240",
    f"anchorbolt_longest_run_seconds{{{HERE}}}": "20x240",
    f"anchorbolt_runs_waiting{{{HERE}}}": "0x240",
    f"anchorbolt_waiting_deliveries{{{HERE}}}": "0x240",
    f"anchorbolt_busiest_workspace_waiting_share{{{HERE}}}": "0x240",
    f'anchorbolt_busiest_workspaces_events{{{HERE}, rank="2"}}': "5000x240",
    f'anchorbolt_parked_lanes{{{HERE}, waits_for="limit"}}': "0x240",
    f'anchorbolt_parked_lanes{{{HERE}, waits_for="pause"}}': "0x240",
    f'anchorbolt_refused_total{{{HERE}, reason="store_timeout"}}': "0x240",
    f"anchorbolt_breakers_open{{{HERE}}}": "0x240",
    f"anchorbolt_gates_closed{{{HERE}}}": "0x240",
    f'anchorbolt_token_refreshes_total{{{HERE}, outcome="refreshed"}}': "0+10x240",
    f'anchorbolt_token_refreshes_total{{{HERE}, outcome="failed"}}': "0x240",
    f"anchorbolt_event_loop_blocked_seconds_total{{{HERE}}}": "0x240",
    f'anchorbolt_unprotected_acks_total{{{HERE}, kind="command"}}': "0x240",
    f'anchorbolt_web_api_calls_total{{{HERE}, method="chat.postMessage", result="ok"}}': "0+60x240",
    f'anchorbolt_web_api_calls_total{{{HERE}, method="chat.postMessage", result="ratelimited"}}': "0x240",
    f'anchorbolt_web_api_rate_limits_total{{{HERE}, method="chat.postMessage"}}': "0x240",
    f'anchorbolt_installations{{{HERE}, state="reinstall_needed"}}': "0x240",
    f'anchorbolt_event_loop_lag_seconds_bucket{{{HERE}, le="0.01"}}': "0+240x240",
    f'anchorbolt_event_loop_lag_seconds_bucket{{{HERE}, le="0.5"}}': "0+240x240",
    f'anchorbolt_event_loop_lag_seconds_bucket{{{HERE}, le="+Inf"}}': "0+240x240",
}


@dataclass(frozen=True)
class Case:
    """What is wrong, and what fires. Series: the beginning of a key of WELL, and its values."""

    title: str
    fires: frozenset[str]
    series: dict[str, str] = field(default_factory=dict)
    without: str | None = None


def fires(*alerts: str) -> frozenset[str]:
    """The alerts, by the ends of their names."""
    return frozenset(f"Anchorbolt{alert}" for alert in alerts)


def in_namespace(title: str, text: str) -> str:
    """A series or an expression for WELL's namespace, moved to another one."""
    return text.replace(NAMESPACE, f'namespace="{title}"')


def one(name: str, labels: str = "") -> str:
    """A key of WELL."""
    return f"anchorbolt_{name}{{{HERE}{', ' if labels else ''}{labels}}}"


STARTED = f"process_start_time_seconds{{{HERE}}}"
POSTED = one("info", 'receiver="http"')
CONNECTS = one("info", 'receiver="socket"')
REFUSED = one("socket_opens_total", 'result="refused"')
OK = one("answers_total", 'kind="event", result="ok"')
FAILED = one("answers_total", 'kind="event", result="failed"')
ACKS_IN_TIME = one("ack_duration_seconds_bucket", 'kind="event", le="2.0"')
RETRIES = one("slack_retries_total", 'reason="http_timeout"')
BUSIEST = one("busiest_workspaces_events", 'rank="1"')
BAD_SIGNATURES = one("refused_total", 'reason="bad_signature"')
CALLS_FAILED = one("web_api_calls_total", 'method="chat.postMessage", result="ratelimited"')
LISTENER_FAILED = one("listener_failures_total", 'listener="app.answer"')
SHARE = one("busiest_workspace_waiting_share")
LIMITED = one("parked_lanes", 'waits_for="limit"')
SECOND = one("busiest_workspaces_events", 'rank="2"')
BLOCKED = one("event_loop_blocked_seconds_total")
NO_NEW_TOKEN = one("token_refreshes_total", 'outcome="failed"')
ATTEMPTS_FAILED = one("attempts_total", 'kind="event", outcome="failed"')

CASES = (
    Case("all is well", fires()),
    Case("no pod", fires("Down"), without="anchorbolt_info"),
    Case("no pod for a minute", fires(), {POSTED: "1x88 _x1 1x100"}),
    Case("not connected to Slack", fires("NotConnected"), {CONNECTS: "1x240", one("socket_connections"): "1x87 0x153"}),
    Case("a connection that is replaced", fires(), {CONNECTS: "1x240", one("socket_connections"): "1x89 0x0 2x150"}),
    Case("a token that is revoked", fires("ConnectionRefused"), {CONNECTS: "1x240", one("socket_connections"): "1x240", REFUSED: "0x80 0+1x160"}),  # noqa: E501 - a table
    Case("two thirds of the events fail", fires("NearSlacksCutOff"), {FAILED: "0+120x240"}),
    Case("a third of the events fails", fires(), {FAILED: "0+30x240"}),
    Case("an app that Slack hardly calls", fires(), {OK: "0x240", FAILED: "0+1x240"}),
    Case("two acks in a hundred are slow", fires("SlowAcks"), {ACKS_IN_TIME: "0+58x240"}),
    Case("Slack retries", fires("SlackRetries"), {RETRIES: "0+3x240"}),
    Case("Slack retries now and then", fires(), {RETRIES: "0+0.5x240"}),
    Case("Slack holds back", fires("AppRateLimited"), {one("app_rate_limited_total"): "0x85 1x155"}),
    Case("Slack held back an hour ago", fires(), {one("app_rate_limited_total"): "0x30 1x210"}),
    Case("a workspace of 25,000 events", fires("WorkspaceNearLimit"), {BUSIEST: "25000x240"}),
    Case("a wrong secret", fires("BadSignatures"), {OK: "0x240", BAD_SIGNATURES: "0+60x240"}),
    Case("junk from outside beside Slack's requests", fires(), {BAD_SIGNATURES: "0+50x240"}),
    Case("too many at once", fires("Overloaded"), {one("refused_total", 'reason="overloaded"'): "0x80 0+1x160"}),
    Case("something is lost", fires("Lost"), {one("deliveries_total", 'kind="event", outcome="lost"'): "0x85 1x155"}),
    Case("a dead letter", fires("DeadLetters"), {one("deliveries_total", 'kind="event", outcome="dead"'): "0x85 1x155"}),  # noqa: E501 - a table
    Case("dead letters by the dozen", fires("DeadLetters", "ManyDeadLetters"), {one("deliveries_total", 'kind="event", outcome="dead"'): "0x85 0+10x155"}),  # noqa: E501 - a table
    Case("a third of the runs of a listener fails", fires("ListenerFails"), {LISTENER_FAILED: "0x85 0+20x155"}),
    Case("a listener fails now and then", fires(), {LISTENER_FAILED: "0+6x240"}),
    Case("a delivery fails with most of its attempts", fires("AttemptsRunOut"), {one("late_failures_total"): "0x80 1x3 2x5 3x151"}),  # noqa: E501 - a table
    Case("one has failed an hour ago", fires(), {one("late_failures_total"): "0x30 1x3 2x5 3x201"}),
    Case("two of three runs fail", fires("AttemptsFail"), {ATTEMPTS_FAILED: "0+120x240"}),
    Case("a lane waits for minutes", fires("Waiting"), {one("oldest_waiting_seconds"): "0x80 60+60x160"}),
    Case("listeners hang in all slots", fires("SlotsTaken"), {one("lanes_held"): "20x80 200x160", one("oldest_waiting_seconds"): "0x80 15x160"}),  # noqa: E501 - a table
    Case("all slots are taken, and nothing waits", fires(), {one("lanes_held"): "200x240"}),
    Case("one listener hangs", fires("RunHangs"), {one("longest_run_seconds"): "20x80 60+60x160"}),
    Case("one workspace fills the inbox", fires("BusiestWorkspace"), {SHARE: "0.95x240", one("waiting_deliveries"): "5000x240"}),  # noqa: E501 - a table
    Case("the only workspace fills the inbox", fires(), {SHARE: "1x240", one("waiting_deliveries"): "5000x240", SECOND: "0x240"}),  # noqa: E501 - a table
    Case("more comes than a limit lets through", fires("LimitTooLow"), {LIMITED: "0+10x240"}),
    Case("a limit works off a peak", fires(), {LIMITED: "2000-8x240"}),
    Case("a lane waits for half a minute", fires(), {one("oldest_waiting_seconds"): "30x240"}),
    Case("a pause of five minutes", fires(), {one("oldest_waiting_seconds"): "0x85 60+60x155", one("paused"): "0x85 1x155"}),  # noqa: E501 - a table
    Case("a pause that nobody ended", fires("Paused"), {one("oldest_waiting_seconds"): "0+60x240", one("paused"): "1x240"}),  # noqa: E501 - a table
    Case("a pause of one listener that nobody ended", fires("Paused"), {one("parked_lanes", 'waits_for="pause"'): "7x240"}),  # noqa: E501 - a table
    Case("a pause of one listener for ten minutes", fires(), {one("parked_lanes", 'waits_for="pause"'): "0x80 7x160"}),
    Case("a listener is held", fires("ListenerHeld"), {one("held_listeners"): "0x85 1x155"}),
    Case("a pod died", fires("Takeovers"), {one("takeovers_total"): "0x85 3x155"}),
    Case("a process dies of a delivery, and the next one", fires("Restarts"), {STARTED: "1000x80 2000x5 3000x154"}),
    Case("a process died once", fires(), {STARTED: "1000x85 2000x154"}),
    Case("the database is away", fires("StoreDown"), {one("store_up"): "1x85 0x155"}),
    Case("the database was away for a moment", fires(), {one("store_up"): "1x85 0x0 1x155"}),
    Case("the database is locked", fires("StoreRefuses"), {one("refused_total", 'reason="store_timeout"'): "0x80 0+5x160"}),  # noqa: E501 - a table
    Case("a process refuses a few before it has reached the database", fires(), {one("refused_total", 'reason="store_timeout"'): "0x88 7x152"}),  # noqa: E501 - a table
    Case("an ack without the database", fires("UnprotectedAcks"), {one("unprotected_acks_total", 'kind="command"'): "0x85 1x155"}),  # noqa: E501 - a table
    Case("a workspace must install the app again", fires("ReinstallNeeded"), {one("installations", 'state="reinstall_needed"'): "0x80 1x160"}),  # noqa: E501 - a table
    Case("a fifth of the calls fails", fires("WebApiErrors"), {CALLS_FAILED: "0+15x240"}),
    Case("few calls fail", fires(), {CALLS_FAILED: "0+3x240"}),
    Case("Slack limits a method", fires("WebApiRateLimited"), {one("web_api_rate_limits_total", 'method="chat.postMessage"'): "0+3x240"}),  # noqa: E501 - a table
    Case("a breaker is open", fires("BreakerOpen"), {one("breakers_open"): "0x85 1x155"}),
    Case("a gate that does not open", fires("GateClosed"), {one("gates_closed"): "0x80 2x160"}),
    Case("a gate that opens after a minute", fires(), {one("gates_closed"): "0x88 2 2 0x150"}),
    Case("runs wait for a gate by the thousand", fires("ManyRunsWait"), {one("runs_waiting"): "0x85 1500x155"}),
    Case("Slack gives no new tokens", fires("TokenRefreshFails"), {NO_NEW_TOKEN: "0x70 2+2x169"}),
    Case("a refresh fails, and the next one does not", fires(), {NO_NEW_TOKEN: "0x80 1x160"}),
    Case("a listener stops the loop for 12 s", fires("EventLoopBlocked"), {BLOCKED: "0x88 12x152"}),
    Case("a listener stops the loop for 2 s", fires(), {BLOCKED: "0x88 2x152"}),
    Case("a listener blocks the loop", fires("EventLoopLag"), {one("event_loop_lag_seconds_bucket", 'le="0.01"'): "0+100x240"}),  # noqa: E501 - a table
    Case("a drain that does not end", fires("SlowDrain"), {one("drain_duration_seconds"): "0x85 15+15x155"}),
    Case("a drain as it should be", fires(), {one("drain_duration_seconds"): "0x85 5 20 _x153"}),
)  # fmt: skip


@functools.cache
def groups() -> list[dict[str, Any]]:
    """The groups of rules, as Prometheus itself reads them."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["spec"]["groups"]
    return found


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in groups() for rule in group["rules"]]


@needs_promtool
@pytest.mark.timeout(300)
def test_what_is_wrong_fires_its_alert_and_no_other(tmp_path: Path) -> None:
    """For each situation exactly the alerts fire that it is for."""
    assert len({case.title for case in CASES}) == len(CASES)
    # An alert about what is not there says so of all namespaces, and names none: such a case has Prometheus for itself.
    tests = [_as_test([case for case in CASES if case.without is None])]
    tests += [_as_test([case], in_no_namespace=case.fires) for case in CASES if case.without is not None]
    play(tmp_path, {"groups": groups()}, tests, "1m")


def _as_test(cases: Sequence[Case], *, in_no_namespace: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Cases that one Prometheus sees at once, each an app in a namespace that has the case's title.

    `in_no_namespace`: the alerts that fire without naming one.
    """
    fire = {case.title: case.fires - in_no_namespace for case in cases} | {"": in_no_namespace}
    return {
        "interval": "1m",
        "input_series": [series for case in cases for series in _series(case)],
        "promql_expr_test": [
            {
                "expr": f'count by (alertname) (ALERTS{{alertstate="firing", namespace="{namespace}"}})',
                "eval_time": f"{LOOKED_AT_MINUTES}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(alerts)],
            }
            for namespace, alerts in fire.items()
        ],
    }


def _series(case: Case) -> list[dict[str, str]]:
    assert case.series.keys() <= WELL.keys()
    return [
        {"series": in_namespace(case.title, key), "values": values}
        for key, values in (WELL | case.series).items()
        if key.split("{")[0] != case.without
    ]


@needs_promtool
def test_promtool_reads_the_rules(tmp_path: Path) -> None:
    """The rules, with their templates, are ones that Prometheus takes."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups()}))
    command = [str(promtool), "check", "rules", "--lint-fatal", str(tmp_path / "rules.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_has_its_page() -> None:
    """Each alert fires in some case, has a severity, and a section in docs/operations/alerts.md that it points to."""
    names = {rule["alert"] for rule in rules()}
    headings = set(re.findall(r"^## (\w+)$", PAGE.read_text(), re.MULTILINE))
    assert names == frozenset().union(*(case.fires for case in CASES))
    assert names == headings
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["runbook"] == f"docs/operations/alerts.md#{rule['alert'].lower()}"


def test_every_page_says_what_to_do_and_whom_to_wake() -> None:
    """Each section says what the alert means and what to do; a critical one also when to wake somebody else."""
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    for rule in rules():
        section = sections[rule["alert"]]
        wanted = ["**Means:**", "**Do:**"]
        if rule["labels"]["severity"] == "critical":
            wanted.append("**Wake somebody else:**")
        assert [word for word in wanted if word not in section] == [], rule["alert"]


def test_alerts_ask_for_metrics_that_there_are() -> None:
    """Each series that an alert reads is one of the app's."""
    known = set().union(*map(series_of, metrics.ALL))
    asked = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    assert asked
    assert asked <= known
