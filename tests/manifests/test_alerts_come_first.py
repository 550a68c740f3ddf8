"""Each alert comes before the damage: the series of a scenario, in Prometheus' own promtool, with its virtual time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.inbox.lease import End
from anchorbolt.settings.model import Settings
from anchorbolt.worker.verdict import Limits, judge
from anchorbolt.workspaces.token_rotation import AHEAD_SECONDS, SWEEP_SECONDS

from tests.manifests.promtool import needs_promtool, play
from tests.manifests.test_alerts import HERE, NAMESPACE, STARTED, groups, in_namespace, one

EVERY_SECONDS = 15  # as the PodMonitor scrapes
BEGINS_SECONDS = 600
LASTS_SECONDS = 2_700
RATE = 1.0  # deliveries a second, of the listener that is in trouble

# By the defaults of the app.
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
OF_VERDICTS = ("max_attempts", "max_crashes", "backoff_base_seconds", "backoff_cap_seconds", "run_timeout_seconds")
LIMITS = Limits(**{name: DEFAULTS[name] for name in OF_VERDICTS})
# Slack sends an event again after 0, 1 and 5 minutes; what is refused each time is not sent any more.
SLACK_GIVES_UP_AFTER_SECONDS = 360

Series = Callable[[float], float]


@dataclass(frozen=True)
class Scenario:
    """What goes wrong, the alert that is for it, and when the damage comes that it must be before.

    `series`: each value by the seconds since it began to go wrong; before that it is 0, unless `well` says otherwise.
    `from_seconds`: it fires at each look from then on until the damage: nobody is told that all is well meanwhile.
    """

    title: str
    alert: str
    damage_seconds: float
    series: dict[str, Series]
    well: float = 0.0
    from_seconds: float | None = None


def fails_at(chance: float) -> list[float]:
    """When each attempt of a delivery fails, in seconds after the first one; the last one makes it a dead letter.

    `chance`: of the jitter, from 0 (the shortest backoffs) to 1 (the longest).
    """
    found = [0.0]
    while (verdict := judge(ConnectionResetError("away"), len(found), LIMITS, lambda: chance)).end is End.RETRY:
        found.append(found[-1] + verdict.delay_seconds)
    return found


SOONEST, LATEST = fails_at(0.0), fails_at(1.0)
DEAD_AFTER_SECONDS = SOONEST[-1]
# Of the attempts that leave another one, those with which over half of all are used.
LATE = slice(LIMITS.max_attempts // 2, -1)


def failures(rate: float, at: Sequence[float]) -> Series:
    """How many attempts have failed, when so many deliveries a second arrive and each fails at each of these times."""
    moments = sorted(n / rate + one for n in range(int(LASTS_SECONDS * rate)) for one in at)
    return lambda now: bisect_right(moments, now)


def steps(*at: float) -> Series:
    """A counter that goes up by one at each of these seconds."""
    return lambda now: sum(moment <= now for moment in at)


def constant(value: float) -> Series:
    """A gauge from the first second on."""
    return lambda now: value


def minutes(count: float) -> float:
    """In seconds."""
    return count * 60


FAILED = one("listener_failures_total", 'listener="app.answer"')
RUNS = one("attempt_duration_seconds_count", 'listener="app.answer"')
LATE_FAILED = one("late_failures_total")
LEASE = float(DEFAULTS["lease_seconds"])

SCENARIOS = (
    Scenario(
        "Slack, or a service that a listener calls, is away: before the first dead letter, without a breaker",
        "ListenerFails",
        DEAD_AFTER_SECONDS,
        {FAILED: failures(RATE, SOONEST), RUNS: failures(RATE, SOONEST)},
    ),
    *(
        Scenario(
            f"the same, and one delivery alone meets it, with the {which} backoffs: until its last attempt",
            "AttemptsRunOut",
            at[-1],
            {FAILED: steps(*at), RUNS: steps(*at), LATE_FAILED: steps(*at[LATE])},
            from_seconds=at[LATE][0] + 2 * EVERY_SECONDS,
        )
        for which, at in (("shortest", SOONEST), ("longest", LATEST))
    ),
    Scenario(
        "one delivery alone fails, and all others of its listener end well",
        "AttemptsRunOut",
        SOONEST[-1],
        {FAILED: steps(*SOONEST), RUNS: lambda now: now * RATE, LATE_FAILED: steps(*SOONEST[LATE])},
        from_seconds=SOONEST[LATE][0] + 2 * EVERY_SECONDS,
    ),
    Scenario(
        "the same, and the breaker holds everything back: before the attempts would have been used up",
        "BreakerOpen",
        DEAD_AFTER_SECONDS,
        {one("breakers_open"): constant(1)},
    ),
    Scenario(
        "Slack limits a method and nothing goes on: before the 15 minutes that parked lanes wait at most",
        "GateClosed",
        minutes(15),
        {one("gates_closed"): constant(1)},
    ),
    Scenario(
        "runs pile up before a gate that is closed: before none is claimed any more, at ten times the slots",
        "ManyRunsWait",
        minutes(4),
        {one("run_places"): constant(200), one("runs_waiting"): lambda now: min(2_000, 2_000 * now / minutes(4))},
    ),
    Scenario(
        "Slack gives no new token in the place of one that expires: before it has expired, with a sweep a minute",
        "TokenRefreshFails",
        AHEAD_SECONDS,
        {one("token_refreshes_total", 'outcome="failed"'): lambda now: now // SWEEP_SECONDS},
    ),
    Scenario(
        "listeners hang in all slots: before RUN_TIMEOUT_SECONDS is over for the second time",
        "SlotsTaken",
        2 * float(DEFAULTS["run_timeout_seconds"]),
        {
            one("run_places"): constant(200),
            one("lanes_held"): lambda now: min(200, now * RATE * 2),
            one("oldest_waiting_seconds"): lambda now: max(0.0, now - 100),
        },
    ),
    Scenario(
        "one listener hangs, and slots are left: before its run is ended for the first time",
        "RunHangs",
        float(DEFAULTS["run_timeout_seconds"]),
        {one("longest_run_seconds"): lambda now: now},
    ),
    Scenario(
        "a listener blocks its loop for 3 s of every 30: while its pod still has its leases (15 s)",
        "EventLoopBlocked",
        minutes(5),
        {one("event_loop_blocked_seconds_total"): lambda now: 3 * (now // 30)},
    ),
    Scenario(
        "a delivery leaks until its pod is killed: before MAX_CRASHES pods died of it",
        "Takeovers",
        (LEASE + 20) * DEFAULTS["max_crashes"],
        {one("takeovers_total"): steps(*((LEASE + 20) * n for n in range(1, 9)))},
    ),
    Scenario(
        "the same, and no pod lives long enough to tell of its takeover",
        "Restarts",
        (LEASE + 20) * DEFAULTS["max_crashes"],
        {STARTED: steps(*((LEASE + 20) * n for n in range(1, 9)))},
    ),
    Scenario(
        "a bad release of a listener: its three dead letters, and none more",
        "ListenerHeld",
        60,
        {one("held_listeners"): constant(1)},
    ),
    Scenario(
        "the database is read-only, full or away: before Slack gives up the first event",
        "StoreDown",
        SLACK_GIVES_UP_AFTER_SECONDS,
        {one("store_up"): constant(0)},
        well=1.0,
    ),
    Scenario(
        "the database is locked, and answers in between: before Slack gives up the first event",
        "StoreRefuses",
        SLACK_GIVES_UP_AFTER_SECONDS,
        {
            one("store_up"): lambda now: float(now // EVERY_SECONDS % 2),
            one("refused_total", 'reason="store_timeout"'): lambda now: now * RATE,
        },
    ),
    Scenario(
        "a workspace fills the inbox beside others",
        "BusiestWorkspace",
        minutes(15),
        {
            one("busiest_workspace_waiting_share"): constant(0.95),
            one("waiting_deliveries"): lambda now: 10 * now,
            one("busiest_workspaces_events", 'rank="2"'): constant(500),
        },
    ),
    Scenario(
        "a pause of one listener is forgotten",
        "Paused",
        minutes(40),
        {one("parked_lanes", 'waits_for="pause"'): constant(5)},
    ),
)


@needs_promtool
@pytest.mark.timeout(300)
def test_the_alert_fires_before_the_damage_and_not_before_its_cause(tmp_path: Path) -> None:
    """Each scenario has its alert at the last look before the damage, and had none before it began."""
    assert len({scenario.title for scenario in SCENARIOS}) == len(SCENARIOS)
    # One Prometheus sees all of them at once, each an app in a namespace that has the scenario's title.
    test = {
        "interval": f"{EVERY_SECONDS}s",
        "input_series": [series for scenario in SCENARIOS for series in _series(scenario)],
        "promql_expr_test": [look for scenario in SCENARIOS for look in _looks(scenario)],
    }
    play(tmp_path, {"groups": groups()}, [test], f"{EVERY_SECONDS}s")


def _series(scenario: Scenario) -> list[dict[str, str]]:
    moments = range(0, BEGINS_SECONDS + LASTS_SECONDS, EVERY_SECONDS)
    # A pod that is seen is not down.
    series = {f'anchorbolt_info{{{HERE}, receiver="http"}}': " ".join("1" for _ in moments)}
    for key, value in scenario.series.items():
        values = [scenario.well if moment < BEGINS_SECONDS else value(moment - BEGINS_SECONDS) for moment in moments]
        # The series of a listener is there from its first failure on, and not before.
        first = "_" if "listener=" in key else None
        shown = [first if first and not number else f"{number:g}" for number in values]
        series[key] = " ".join(str(text) for text in shown)
    return [{"series": in_namespace(scenario.title, key), "values": values} for key, values in series.items()]


def _looks(scenario: Scenario) -> list[dict[str, Any]]:
    looks = EVERY_SECONDS
    last_look = BEGINS_SECONDS + (scenario.damage_seconds - 1e-9) // looks * looks
    begins = last_look if scenario.from_seconds is None else scenario.from_seconds // looks * looks + BEGINS_SECONDS
    alert = f'alertstate="firing", alertname="Anchorbolt{scenario.alert}"'
    fired = in_namespace(scenario.title, f"count(ALERTS{{{NAMESPACE}, {alert}}})")
    return [
        {"expr": fired, "eval_time": f"{BEGINS_SECONDS - looks}s", "exp_samples": []},
        *(
            {"expr": fired, "eval_time": f"{look}s", "exp_samples": [{"labels": "{}", "value": 1}]}
            for look in range(int(begins), int(last_look) + 1, looks)
        ),
    ]
