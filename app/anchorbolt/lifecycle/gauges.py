"""Connects each gauge of /metrics to the part whose value it reports."""

from __future__ import annotations

from operator import attrgetter

from anchorbolt.bolt.app import BoltApp
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.lifecycle.pod import Pod, State
from anchorbolt.lifecycle.transport import Transport
from anchorbolt.settings.choices import Role
from anchorbolt.settings.model import Settings
from anchorbolt.telemetry import metrics
from anchorbolt.worker.worker import Worker


def observe(  # noqa: PLR0917 - the parts that are observed
    settings: Settings, inbox: Inbox, worker: Worker, transport: Transport, pod: Pod, bolt: BoltApp
) -> None:
    """Connects each gauge to the part that it reports: transport, worker, inbox, pod and Bolt's web client.

    `settings`: what this process is, for `anchorbolt_info`. `telemetry` imports none of these parts, so they are
    connected here, at the start.
    """
    metrics.requests_in_flight.observe(lambda: transport.in_flight)
    metrics.socket_connections.observe(lambda: transport.connections)
    metrics.socket_active.observe(lambda: transport.active)
    metrics.lanes_held.observe(lambda: worker.running)
    metrics.gates_closed.observe(lambda: bolt.gates.shut)
    metrics.runs_waiting.observe(lambda: worker.waiting_runs)
    metrics.breakers_open.observe(lambda: worker.open_breakers)
    metrics.pauses.observe(lambda: worker.pauses)
    metrics.longest_run.observe(lambda: worker.longest_run_seconds)
    metrics.held_listeners.observe(lambda: worker.held_listeners)
    metrics.run_places.observe(lambda: settings.run_concurrency if settings.role is not Role.RECEIVER else 0)
    for gauge, read in (
        (metrics.waiting, attrgetter("waiting")),
        (metrics.oldest_waiting, attrgetter("oldest_waiting_seconds")),
        (metrics.dead_letters, attrgetter("dead_letters")),
        (metrics.paused, attrgetter("paused")),
        (metrics.busiest_waiting_share, attrgetter("busiest_waiting_share")),
    ):
        gauge.observe(lambda read=read: None if inbox.stats is None else read(inbox.stats))  # type: ignore[misc]
    metrics.parked_lanes.observe(
        lambda: None if inbox.stats is None else {(sort,): lanes for sort, lanes in inbox.stats.parked.items()}
    )
    metrics.installations.observe(
        lambda: None if inbox.stats is None else {(state,): n for state, n in inbox.stats.installations.items()}
    )
    metrics.store_up.observe(lambda: inbox.up and pod.state is not State.STARTING)
    metrics.drain_duration.observe(lambda: pod.drain_seconds)
    receiver = "none" if settings.role is Role.WORKER else settings.receiver.value
    about = (settings.role.value, receiver, inbox.database.dialect if inbox.database.durable else "memory")
    metrics.info.observe(lambda: {about: 1})
