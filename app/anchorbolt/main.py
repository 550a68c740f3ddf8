"""The composition root: builds the parts from the settings and wires them; the only place to name concrete classes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from operator import attrgetter

from starlette.routing import BaseRoute

from anchorbolt.bolt import listeners, team_code
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.workspace_authorization import WorkspaceAuthorization
from anchorbolt.encryption import Keys
from anchorbolt.errors import ListenersError
from anchorbolt.http import application
from anchorbolt.http.bolt_adapter import BoltAdapter
from anchorbolt.http.limits.connections import max_connections
from anchorbolt.http.limits.overload import OverloadLimit
from anchorbolt.http.server import Server
from anchorbolt.http.signature import Signature
from anchorbolt.http.slack_route import PATH, SlackRoute
from anchorbolt.http.team import oauth_flow
from anchorbolt.http.team import routes as team_routes
from anchorbolt.http.team.application import TeamApplication, mount
from anchorbolt.http.team.life import TeamLife
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.opening import database
from anchorbolt.inbox.retention import Retention
from anchorbolt.intake.events import Events
from anchorbolt.intake.intake import Intake
from anchorbolt.intake.interactions import Interactions
from anchorbolt.lifecycle import garbage_collection, life, probes, start
from anchorbolt.lifecycle.drain_socket import DrainSocket
from anchorbolt.lifecycle.life import Parts
from anchorbolt.lifecycle.pod import Pod, State
from anchorbolt.lifecycle.transport import HttpTransport, Transport
from anchorbolt.limits import parse
from anchorbolt.settings import Role, Settings, SocketConnections, otel
from anchorbolt.settings.team import fill_environment
from anchorbolt.socket_mode.envelopes import Envelopes
from anchorbolt.socket_mode.leadership import EveryProcess, SingleLeader
from anchorbolt.socket_mode.slack import Slack
from anchorbolt.socket_mode.transport import SocketTransport
from anchorbolt.telemetry import delivery_lines, metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.page import metrics_page
from anchorbolt.telemetry.redact import hide_settings
from anchorbolt.telemetry.telemetry import Telemetry
from anchorbolt.telemetry.watchdog import Watchdog
from anchorbolt.worker.region import Region
from anchorbolt.worker.verdict import Limits
from anchorbolt.worker.worker import Worker
from anchorbolt.workspaces import keeping
from anchorbolt.workspaces.directory import Directory
from anchorbolt.workspaces.leaving import Leaving
from anchorbolt.workspaces.rotation import Rotation

log = get_logger("main")

INTERNAL_HEAD_SECONDS = 10.0
NO_TOKEN = "xoxb-missing"  # noqa: S105 - `check` loads the listeners also where the token is still missing
# Probes, proxies and Prometheus need a few.
INTERNAL_CONNECTIONS = 64


async def live(settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Builds a worker process, and runs it from its start to its end."""
    hide_settings(settings)
    delivery_lines.lines.configure(settings.log_deliveries, level=settings.log_level)
    parts = build(settings, sockets)
    garbage_collection.calm()
    await life.live(parts)


def build(settings: Settings, sockets: Sequence[socket.socket]) -> Parts:
    """Builds all parts and starts none. `sockets`: those that the master has bound, the internal one last."""
    public, internal = sockets[:-1], sockets[-1:]
    bolt = load(settings)
    routes = team_routes.load(settings.routes)
    inbox = Inbox(
        database(settings),
        lease_seconds=settings.lease_seconds,
        retention=Retention(settings.retention_hours * 3600, settings.dead_retention_days * 86400),
        name=os.uname().nodename,
        keys=Keys(settings.keys),
    )
    if not inbox.database.durable:
        log.warning(
            "no database: what a pod acknowledged ends with it, or is finished in its drain; a SIGKILL loses it,"
            " and order and deduplication hold as far as the sticky ingress keeps a conversation on its pod"
        )
    directory = installations_of(settings, inbox) if settings.installs else None
    rotation = authorize_by_workspace(settings, inbox, bolt, directory) if directory is not None else None
    limits = Limits(
        max_attempts=settings.max_attempts,
        max_crashes=settings.max_crashes,
        backoff_base_seconds=settings.backoff_base_seconds,
        backoff_cap_seconds=settings.backoff_cap_seconds,
        run_timeout_seconds=settings.run_timeout_seconds,
        attempt_policy=settings.attempt_policy,
        attempt_on=settings.attempt_on_names,
    )
    region = Region(inbox, settings.region) if settings.region else None
    takes = settings.role is not Role.RECEIVER
    version = settings.app_version or team_code.version_of(settings.listeners)
    worker = Worker(
        inbox,
        bolt,
        limits,
        concurrency=settings.run_concurrency,
        takes=takes,
        app_version=version,
        listener_limits={**bolt.listener_limits, **parse(settings.listener_limits or "")},
        gates=bolt.gates,
        readers=() if region is None else (region,),
    )
    telemetry = Telemetry(otel.collector(), os.uname().nodename, Watchdog(worker.blame))
    intake = Intake(
        Events(inbox, worker, telemetry.workspaces),
        Interactions(inbox, worker),
        max_in_flight=settings.max_in_flight,
        deadline_seconds=settings.ack_deadline_seconds,
    )
    finish_seconds = start.finish_seconds(settings)
    transport: Transport
    team = TeamApplication(routes.application) if routes.application is not None else None
    if team is not None and (settings.has_socket or settings.role is Role.WORKER):
        log.info("no public port here: of ROUTES only the startup and the shutdown run", routes=settings.routes)
    if settings.has_socket and settings.installs:
        log.info("no public port here: processes with RECEIVER=http serve the pages on which the app is installed")
    if settings.has_socket:
        transport = socket_transport(settings, inbox, Envelopes(bolt, intake))
    else:
        connections = max_connections()
        route = SlackRoute(
            intake,
            Signature(settings.signing_secrets),
            BoltAdapter(bolt),
            max_body_bytes=settings.max_body_bytes,
            max_connections=connections,
        )
        web = application.create(route)
        if bolt.oauth_pages is not None:
            web.router.routes += oauth_flow.routes(bolt.oauth_pages)
        if directory is not None:
            web.router.routes += install_pages(settings, inbox, directory, bolt, intake)
        if team is not None:
            mount(web, team, settings.max_body_bytes)
        server = Server(
            OverloadLimit(web, intake, PATH),
            public,
            finish_seconds=finish_seconds,
            head_seconds=settings.ack_deadline_seconds,  # Slack does not wait longer for the answer
            max_connections=connections,
        )
        transport = HttpTransport(web, intake, server)

    def drain() -> None:
        if inbox.database.shared:  # nobody else could run what a pod has in a database of its own: it goes on
            worker.stop_taking()
        transport.hand_over()

    def lapse() -> None:
        worker.resume_taking()
        transport.resume()

    pod = Pod(settings.drain_delay_seconds, on_drain=drain, on_lapse=lapse, trouble=lambda: transport.trouble)
    observe(settings, inbox, worker, transport, pod, bolt)
    if region is not None:
        metrics.region_drained.observe(lambda: {(region.name,): int(region.drained)})
    return Parts(
        pod=pod,
        inbox=inbox,
        bolt=bolt,
        worker=worker,
        intake=intake,
        transport=transport,
        team=TeamLife(routes, team),
        internal=Server(
            probes.create(
                pod,
                {
                    "/metrics": metrics_page,
                    "/region": probes.region_page(pod, lambda: region is not None and region.drained),
                },
            ),
            internal,
            finish_seconds=1,
            head_seconds=INTERNAL_HEAD_SECONDS,
            max_connections=INTERNAL_CONNECTIONS,
        ),
        drain_socket=DrainSocket(settings.drain_socket_path, pod),
        finish_seconds=finish_seconds,
        drain_timeout_seconds=settings.drain_timeout_seconds,
        telemetry=telemetry,
        rotation=rotation,
    )


def load(settings: Settings) -> BoltApp:
    """Builds the Bolt app with the team's listeners: `serve` and `check` load them in this one way.

    Needs a running event loop, because a `register(app)` may begin a task. Raises ListenersError.
    """
    asyncio.get_running_loop()
    fill_environment(settings)
    token = settings.slack_bot_token
    bolt = BoltApp(
        token=token.get_secret_value() if token else NO_TOKEN,
        api_url=settings.slack_api_url,
        sync_threads=settings.sync_threads,
        installs_itself=settings.installs_itself,
    )
    listeners.register(bolt, settings.listeners)
    if settings.installs_itself and not bolt.has_authorization_of_an_app:
        raise ListenersError(
            "INSTALLATIONS=app: no app of LISTENERS has authorize, installation_store or oauth_settings"
        )
    return bolt


def installations_of(settings: Settings, inbox: Inbox) -> Directory:
    """Installation by OAuth: what this process knows of the installations in the inbox's database."""
    directory = Directory(inbox.store, Keys(settings.keys), wake_others=inbox.announce_workspaces)
    inbox.on_workspaces = directory.recheck
    return directory


def authorize_by_workspace(settings: Settings, inbox: Inbox, bolt: BoltApp, directory: Directory) -> Rotation:
    """Each delivery is authorized with the tokens of its workspace. Returns what renews them."""
    rotation = keeping.rotation(settings, inbox, directory, lambda: bolt.http_session)
    leaving = Leaving(inbox.store, directory.changed, directory.installations)
    bolt.authorize_by_workspace(
        WorkspaceAuthorization(directory, rotation, leaving, install_url=f"{settings.public_url}/slack/install")
    )
    return rotation


def install_pages(
    settings: Settings, inbox: Inbox, directory: Directory, bolt: BoltApp, intake: Intake
) -> list[BaseRoute]:
    """The pages on which users install the app."""
    from anchorbolt.http.oauth.routes import routes  # noqa: PLC0415 - Jinja is 3 MiB, only where there are pages

    return routes(
        settings, inbox.store, directory, lambda: bolt.http_session, lambda: intake.starting or intake.closing
    )


def socket_transport(settings: Settings, inbox: Inbox, envelopes: Envelopes) -> SocketTransport:
    """The transport of Socket Mode: every receiver is connected, or only the leader (SOCKET_CONNECTIONS)."""
    token = settings.slack_app_token
    single = settings.socket_connections is SocketConnections.SINGLE
    if single and not inbox.database.durable:
        log.warning("SOCKET_CONNECTIONS=single holds for one database: several replicas choose one on a PostgreSQL")
    return SocketTransport(
        Slack(token.get_secret_value() if token else "", settings.slack_api_url),
        envelopes,
        SingleLeader(inbox, settings.socket_lease_seconds) if single and inbox.database.shared else EveryProcess(),
        silent_seconds=settings.socket_silent_seconds,
    )


def observe(  # noqa: PLR0917 - the parts that are observed
    settings: Settings, inbox: Inbox, worker: Worker, transport: Transport, pod: Pod, bolt: BoltApp
) -> None:
    """Connects each gauge to the part whose value it reports."""
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
