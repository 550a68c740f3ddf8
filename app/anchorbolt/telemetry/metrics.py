"""Every metric of the app. docs/metrics.md explains them, and a test compares that page with `/metrics`.

No label holds a team, a channel, a user or any text from outside, so the code bounds the number of series.
"""

from __future__ import annotations

from itertools import product

from anchorbolt.telemetry.instruments import Counter, Gauge, Histogram, Instrument

KINDS = ("event", "command", "action", "shortcut", "view", "options", "control")
# The kind of a request that was not parsed.
UNKNOWN = "unknown"
# How an answer counts for Slack: a 2xx within 3 s; a 2xx after that; a 425 (a proxy may ask another pod); any other.
ANSWERS = ("ok", "late", "refused", "failed")
SLACK_WAITS_SECONDS = 3.0
OUTCOMES = (
    *("done", "unmatched", "foreign", "not_installed", "failed", "dead", "cancelled"),
    *("handed_back", "held", "lost"),
)
# The outcomes after which a delivery has ended. `failed` and `lost` end only deliveries that are not stored.
LAST_OUTCOMES = ("done", "unmatched", "foreign", "not_installed", "failed", "dead", "cancelled", "lost")
# Why a run failed. Stored runs have the first ones; the others are those of interactions that Slack was told of.
FAILURES = (
    *("transient", "unknown_outcome", "run_timeout", "error", "crashes", "unreadable"),
    *("listener_failed", "no_ack", "ack_timeout", "answer"),
)
REFUSALS = (
    *("missing_signature", "bad_timestamp", "stale_timestamp", "bad_signature"),
    *(
        "head_too_large",
        "slow_head",
        "too_large",
        "method_not_allowed",
        "unsupported_content_type",
        "slow_body",
        "disconnected",
    ),
    *("bad_encoding", "bad_json", "bad_form", "bad_kind", "bad_event", "bad_challenge", "bad_payload"),
    *("draining", "overloaded", "store_unavailable", "store_timeout", "store_failed", "ack_timeout", "internal_error"),
    *("listener_failed", "bad_http", "upgrade_refused", "not_found"),
)
# https://docs.slack.dev/apis/events-api/#retries
# In Socket Mode, `timeout` is the only one.
RETRY_REASONS = (
    *("http_timeout", "too_many_redirects", "connection_failed", "ssl_error", "http_error", "unknown_error"),
    "timeout",
    "other",
)
# Why a connection of Socket Mode ended: Slack's words first, then ours.
SOCKET_ENDS = (
    *("warning", "refresh_requested", "too_many_websockets", "link_disabled"),
    *("closed", "silent", "no_hello", "lease_lost", "left"),
)

_ACK_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3)
_RUN_BOUNDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_CALL_BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_SIZE_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def _one(values: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [(value,) for value in values]


# What Slack sees
ack_duration = Histogram(
    "anchorbolt.ack.duration",
    "s",
    "From the first byte of a request that came from Slack to its answer.",
    ("kind",),
    bounds=_ACK_BOUNDS,
    known=_one(KINDS),
)
answers = Counter(
    "anchorbolt.answers",
    "{answer}",
    "Answers to requests from Slack.",
    ("kind", "result"),
    known=product((*KINDS, UNKNOWN), ANSWERS),
)
refused = Counter("anchorbolt.refused", "{request}", "Requests that were refused.", ("reason",), known=_one(REFUSALS))
duplicates = Counter("anchorbolt.duplicates", "{delivery}", "Deliveries that had come before, and did not run again.")
slack_retries = Counter(
    "anchorbolt.slack.retries", "{request}", "Retries that Slack sent.", ("reason",), known=_one(RETRY_REASONS)
)
app_rate_limited = Counter("anchorbolt.app_rate_limited", "{minute}", "Minutes in which Slack held events back.")
busiest_workspaces = Gauge(
    "anchorbolt.busiest_workspaces.events", "{event}", "Events of the last hour from the busiest workspaces.", ("rank",)
)
unprotected_acks = Counter(
    "anchorbolt.unprotected_acks",
    "{delivery}",
    "Deliveries that were acknowledged while they could not be stored.",
    ("kind",),
    known=_one(tuple(kind for kind in KINDS if kind not in ("event", "options", "control"))),
)
requests_in_flight = Gauge("anchorbolt.requests.in_flight", "{request}", "Requests that are being answered.")

# The connection to Slack, in Socket Mode
socket_connections = Gauge("anchorbolt.socket.connections", "{connection}", "Connections to Slack that stand.")
socket_active = Gauge("anchorbolt.socket.active", "1", "1 while this pod is to be connected to Slack.")
socket_opens = Counter(
    "anchorbolt.socket.opens",
    "{connection}",
    "Tries to open a connection to Slack.",
    ("result",),
    known=_one(("ok", "unreachable", "refused")),
)
socket_ends = Counter(
    "anchorbolt.socket.ends", "{connection}", "Connections to Slack that ended.", ("reason",), known=_one(SOCKET_ENDS)
)

# What becomes of deliveries
deliveries = Counter(
    "anchorbolt.deliveries",
    "{delivery}",
    "Deliveries that have ended.",
    ("kind", "outcome"),
    known=product(KINDS[:-1], LAST_OUTCOMES),
)
attempts = Counter(
    "anchorbolt.attempts",
    "{attempt}",
    "Runs that have ended.",
    ("kind", "outcome"),
    known=product(KINDS[:-1], OUTCOMES),
)
failures = Counter(
    "anchorbolt.failures", "{run}", "Runs that failed.", ("kind", "reason"), known=product(KINDS[:-1], FAILURES)
)
attempt_duration = Histogram(
    "anchorbolt.attempt.duration", "s", "How long runs took.", ("listener",), bounds=_RUN_BOUNDS
)
hand_backs = Counter("anchorbolt.hand_backs", "{delivery}", "Runs that were cut short and given to whoever is next.")
takeovers = Counter("anchorbolt.takeovers", "{delivery}", "Deliveries taken over from a pod whose lease ran out.")
held_listeners = Gauge(
    "anchorbolt.held_listeners", "{listener}", "Listeners that are held because their deliveries die, in all pods."
)
late_failures = Counter(
    "anchorbolt.late_failures", "{run}", "Runs that failed when over half of their delivery's attempts were used."
)
listener_failures = Counter(
    "anchorbolt.listener_failures", "{run}", "Runs that failed with a transient error.", ("listener",)
)
breakers_open = Gauge(
    "anchorbolt.breakers_open", "{listener}", "Listeners that wait because what they need is down, in all pods."
)
runs_waiting = Gauge(
    "anchorbolt.runs_waiting", "{run}", "Runs of this pod that wait at a rate gate, with their slots lent out."
)
gates_closed = Gauge(
    "anchorbolt.gates_closed", "{gate}", "Methods that this pod does not call for a workspace now: Slack limited them."
)
lanes_held = Gauge("anchorbolt.lanes.held", "{lane}", "Lanes that this pod holds: each runs one delivery.")
longest_run = Gauge("anchorbolt.longest_run", "s", "How long the run goes on that began first of those that run here.")
run_places = Gauge("anchorbolt.run_places", "{lane}", "How many lanes this pod may hold (RUN_CONCURRENCY).")

# The inbox
waiting = Gauge("anchorbolt.waiting_deliveries", "{delivery}", "Stored deliveries that do not run now, in all pods.")
oldest_waiting = Gauge(
    "anchorbolt.oldest_waiting", "s", "How long the lane that waits longest could have run already, in all pods."
)
dead_letters = Gauge("anchorbolt.dead_letters", "{delivery}", "Dead letters that are kept, in all pods.")
paused = Gauge("anchorbolt.paused", "1", "1 while an operator keeps all deliveries from running.")
pauses = Gauge(
    "anchorbolt.pauses",
    "{pause}",
    "Listeners, kinds, workspaces and conversations that an operator keeps from running.",
)
parked_lanes = Gauge(
    "anchorbolt.parked_lanes", "{lane}", "Lanes that wait for something other than a time, in all pods.", ("waits_for",)
)
busiest_waiting_share = Gauge(
    "anchorbolt.busiest_workspace_waiting_share",
    "1",
    "Share of the lanes that could run and wait which belong to one workspace, the one with the most of them.",
)
installations = Gauge(
    "anchorbolt.installations", "{installation}", "Workspaces that the app is installed in, by state.", ("state",)
)
region_drained = Gauge(
    "anchorbolt.region.drained", "1", "1 while an operator has drained the region of this pod.", ("region",)
)
store_up = Gauge("anchorbolt.store.up", "1", "1 while the database answers this pod.")
group_size = Histogram(
    "anchorbolt.group.size",
    "{delivery}",
    "How many deliveries went into one commit.",
    ("operation",),
    bounds=_SIZE_BOUNDS,
    known=_one(("accept", "complete")),
)

# Workspaces
installation_lookups = Counter(
    "anchorbolt.installation_lookups",
    "{lookup}",
    "Look-ups of the installation that a delivery belongs to.",
    ("result",),
    known=_one(("hit", "miss", "not_installed")),
)
token_refreshes = Counter(
    "anchorbolt.token_refreshes",
    "{refresh}",
    "Refreshes of tokens that expire.",
    ("outcome",),
    known=_one(("refreshed", "recovered", "failed", "superseded", "reinstall_needed")),
)

# The Web API
web_api_calls = Counter(
    "anchorbolt.web_api.calls", "{call}", "Calls of Slack's Web API that have ended.", ("method", "result")
)
web_api_duration = Histogram(
    "anchorbolt.web_api.duration", "s", "How long calls took, with their retries.", ("method",), bounds=_CALL_BOUNDS
)
unknown_words = Counter(
    "anchorbolt.web_api.unknown_words",
    "{run}",
    "Runs that failed with a word of Slack's that is in none of our lists.",
    ("word",),
)
web_api_retries = Counter("anchorbolt.web_api.retries", "{request}", "HTTP requests that were sent again.", ("method",))
rate_limits = Counter("anchorbolt.web_api.rate_limits", "{request}", "Answers with status 429.", ("method",))

web_api_repeats = Counter(
    "anchorbolt.web_api.repeats",
    "{call}",
    "Calls of runs that were cut short, which another run may make again.",
    ("cut",),
    known=_one(("drained", "expired", "lost", "cancelled")),
)

# The process
drain_duration = Gauge("anchorbolt.drain.duration", "s", "How long the drain takes, or took; 0 before it.")
loop_lag = Histogram(
    "anchorbolt.event_loop.lag", "s", "How late the event loop comes to what is due.", bounds=_LAG_BOUNDS
)
loop_blocked = Counter(
    "anchorbolt.event_loop.blocked", "s", "How long the event loop was blocked, in blocks of more than 0.1 s."
)
spans_dropped = Counter(
    "anchorbolt.spans.dropped",
    "{span}",
    "Spans that did not get to the collector.",
    ("reason",),
    known=_one(("queue_full", "not_sent", "rejected", "unreadable")),
)
info = Gauge("anchorbolt.info", "1", "Always 1.", ("role", "receiver", "database"))

ALL: tuple[Instrument, ...] = tuple(found for found in list(vars().values()) if isinstance(found, Instrument))


def answered(kind: str, status: int, seconds: float) -> None:
    """Counts the answer to a request with a valid signature. `seconds`: from its first byte to its answer."""
    if status < 300:
        result = "ok" if seconds <= SLACK_WAITS_SECONDS else "late"
    else:
        result = "refused" if status == 425 else "failed"
    answers.add(kind, result)
    if kind is not UNKNOWN:
        ack_duration.record(seconds, kind)


def run_ended(
    kind: str, listener: str | None, outcome: str, reason: str | None, seconds: float, *, last: bool = False
) -> None:
    """Counts the end of a run that took `seconds`.

    `reason`: why it failed, if it did. `last`: the delivery has ended too, whatever the outcome.
    """
    attempts.add(kind, outcome)
    if reason is not None:
        failures.add(kind, reason)
    attempt_duration.record(seconds, listener or "none")
    if last or outcome in ("done", "unmatched", "foreign", "not_installed", "dead", "cancelled"):
        deliveries.add(kind, outcome)
    elif outcome == "handed_back":
        hand_backs.add()
