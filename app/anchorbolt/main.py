"""The composition root: builds the parts from the settings and wires them; the only place to name concrete classes.

What only some processes need is in composition/, and is imported where a setting asks for it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence

from starlette.routing import BaseRoute

from anchorbolt.bolt import listeners, team_code
from anchorbolt.bolt.adopt import main_blocks
from anchorbolt.bolt.adopt.main_blocks import MainBlocks
from anchorbolt.bolt.app import BoltApp
from anchorbolt.encryption import Keys
from anchorbolt.errors import ListenersError
from anchorbolt.http.application import Application
from anchorbolt.http.bolt_adapter import BoltAdapter
from anchorbolt.http.limits.connections import max_connections
from anchorbolt.http.limits.overload import OverloadLimit
from anchorbolt.http.server import Server
from anchorbolt.http.signature import Signature
from anchorbolt.http.slack_route import PATH, SlackRoute
from anchorbolt.http.team import oauth_pages
from anchorbolt.http.team import routes as team_routes
from anchorbolt.http.team.application import TeamApplication, mount
from anchorbolt.http.team.handed_over import HandedOver, take_over
from anchorbolt.http.team.life import TeamLife
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.opening import database
from anchorbolt.inbox.retention import Retention
from anchorbolt.intake.events import Events
from anchorbolt.intake.intake import Intake
from anchorbolt.intake.interactions import Interactions
from anchorbolt.lifecycle import garbage_collection, gauges, heartbeat, life, probes, times
from anchorbolt.lifecycle.drain_socket import DrainSocket
from anchorbolt.lifecycle.life import Parts
from anchorbolt.lifecycle.pod import Pod
from anchorbolt.lifecycle.transport import HttpTransport, Transport
from anchorbolt.limits import parse
from anchorbolt.settings import otel
from anchorbolt.settings.choices import Role
from anchorbolt.settings.misspelt import misspelt
from anchorbolt.settings.model import Settings
from anchorbolt.settings.team import fill_environment
from anchorbolt.telemetry import delivery_lines, metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.page import metrics_page
from anchorbolt.telemetry.redact import hide_settings
from anchorbolt.telemetry.telemetry import Telemetry
from anchorbolt.telemetry.watchdog import Watchdog
from anchorbolt.worker.obstacles import Reader
from anchorbolt.worker.region import OwnRegion
from anchorbolt.worker.verdict import Limits
from anchorbolt.worker.worker import Worker

log = get_logger("main")

INTERNAL_HEAD_SECONDS = 10.0
NO_TOKEN = "xoxb-missing"  # noqa: S105 - `check` loads the listeners also where the token is still missing
# Probes, proxies and Prometheus need a few.
INTERNAL_CONNECTIONS = 64


async def live(settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Builds a worker process, and runs it from its start to its end."""
    hide_settings(settings)
    delivery_lines.lines.configure(settings.log_deliveries, level=settings.log_level)
    for warning in misspelt():
        log.warning(warning)
    blocks = await run_main_blocks(settings)
    parts = build(settings, sockets, blocks=blocks)
    garbage_collection.calm()
    await life.live(parts)


def build(
    settings: Settings, sockets: Sequence[socket.socket], *, in_turn: bool = False, blocks: MainBlocks | None = None
) -> Parts:
    """Builds all parts and starts none. `sockets`: those that are bound already, the internal one last.

    `in_turn`: another process follows this one on the same sockets (lifecycle/transport.py). `blocks`: the main blocks
    that have been run.
    """
    public, internal = sockets[:-1], sockets[-1:]
    # What the team brings.
    bolt = load(settings, blocks)
    routes = team_routes.load(settings.routes)
    team = TeamApplication(routes.application) if routes.application is not None else None
    # What is stored, and who runs it.
    keys = Keys(settings.keys)
    inbox = build_inbox(settings, keys)
    workspaces = None
    if settings.installs:
        from anchorbolt.composition.workspaces import Workspaces  # noqa: PLC0415 - only where a setting asks for it

        workspaces = Workspaces(settings, inbox, bolt, keys)
    region = OwnRegion(inbox, settings.region) if settings.region else None
    worker = build_worker(settings, inbox, bolt, readers=() if region is None else (region,))
    telemetry = Telemetry(otel.collector(), os.uname().nodename, Watchdog(worker.blame))
    # How deliveries arrive.
    intake = Intake(
        Events(inbox, worker, telemetry.workspaces),
        Interactions(inbox, worker),
        max_in_flight=settings.max_in_flight,
        deadline_seconds=settings.ack_deadline_seconds,
    )
    if team is not None and not settings.of_master.has_public_port:
        log.info("no public port here: of ROUTES only the startup and the shutdown run", routes=settings.routes)
    if settings.has_socket and settings.installs:
        log.info("no public port here: processes with RECEIVER=http serve the pages on which the app is installed")
    transport: Transport
    if settings.has_socket:
        from anchorbolt.composition.socket_mode import socket_transport  # noqa: PLC0415 - as above

        transport = socket_transport(settings, inbox, bolt, intake)
    else:
        pages = workspaces.pages(intake) if workspaces is not None else []
        transport = http_transport(settings, bolt, intake, pages=pages, team=team, sockets=public, in_turn=in_turn)
    # The pod, and what operators see of it.
    pod = build_pod(settings, inbox, worker, transport)
    gauges.observe(settings, inbox, worker, transport, pod, bolt)
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
        internal=internal_server(pod, region, internal),
        drain_socket=DrainSocket(settings.drain_socket_path, pod),
        finish_seconds=times.finish_seconds(settings.of_master),
        drain_timeout_seconds=settings.drain_timeout_seconds,
        telemetry=telemetry,
        rotation=workspaces.rotation if workspaces is not None else None,
    )


async def run_main_blocks(settings: Settings) -> MainBlocks:
    """Runs the main blocks of LISTENERS in this loop, before everything else is loaded. A thread beats meanwhile."""
    fill_environment(settings)
    with heartbeat.loading():
        return await main_blocks.run_main_blocks(settings.listeners, settings.slack_api_url)


def load(settings: Settings, blocks: MainBlocks | None = None) -> BoltApp:
    """Builds the Bolt app with the team's listeners: `serve` and `check` load them in this one way.

    Needs a running event loop, because a `register(app)` may begin a task. Raises ListenersError.
    """
    asyncio.get_running_loop()
    if blocks is None:  # else `run_main_blocks` has
        fill_environment(settings)
    token = settings.slack_bot_token
    bolt = BoltApp(
        token=token.get_secret_value() if token else NO_TOKEN,
        api_url=settings.slack_api_url,
        sync_threads=settings.sync_threads,
        installs_itself=settings.installs_itself,
    )
    listeners.register(bolt, settings.listeners, settings.routes, blocks)
    if settings.installs_itself and not bolt.has_authorization_of_an_app:
        raise ListenersError(
            "INSTALLATIONS=app: no app of LISTENERS has authorize, installation_store or oauth_settings"
        )
    return bolt


def build_inbox(settings: Settings, keys: Keys) -> Inbox:
    """The inbox, on the database that the settings name."""
    inbox = Inbox(
        database(settings),
        lease_seconds=settings.lease_seconds,
        retention=Retention(settings.retention_hours * 3600, settings.dead_retention_days * 86400),
        name=os.uname().nodename,
        keys=keys,
    )
    if not inbox.database.durable:
        log.warning(
            "no database: what a pod acknowledged ends with it, or is finished in its drain; a SIGKILL loses it,"
            " and order and deduplication hold as far as the sticky ingress keeps a conversation on its pod"
        )
    return inbox


def build_worker(settings: Settings, inbox: Inbox, bolt: BoltApp, *, readers: Sequence[Reader]) -> Worker:
    """What runs deliveries. `readers`: what else it reads from the database every few seconds."""
    limits = Limits(
        max_attempts=settings.max_attempts,
        max_crashes=settings.max_crashes,
        backoff_base_seconds=settings.backoff_base_seconds,
        backoff_cap_seconds=settings.backoff_cap_seconds,
        run_timeout_seconds=settings.run_timeout_seconds,
        attempt_policy=settings.attempt_policy,
        attempt_on=settings.attempt_on_names,
    )
    return Worker(
        inbox,
        bolt,
        limits,
        concurrency=settings.run_concurrency,
        takes=settings.role is not Role.RECEIVER,
        app_version=settings.app_version or team_code.version_of(settings.listeners),
        listener_limits={**bolt.listener_limits, **parse(settings.listener_limits or "")},
        gates=bolt.gates,
        readers=readers,
    )


def http_transport(
    settings: Settings,
    bolt: BoltApp,
    intake: Intake,
    *,
    pages: Sequence[BaseRoute],
    team: TeamApplication | None,
    sockets: Sequence[socket.socket],
    in_turn: bool,
) -> HttpTransport:
    """Returns the transport of HTTP: Slack's route, the pages of an installation, and the team's own routes.

    Args:
        settings: the limits, and the signing secrets.
        bolt: answers commands and interactions.
        intake: takes what Slack sends.
        pages: on which users install the app.
        team: the team's own application; None: it has none.
        sockets: bound, of the public port.
        in_turn: another process follows on these sockets (`anchorbolt dev`).
    """
    connections = max_connections()
    signature = Signature(settings.signing_secrets)
    route = SlackRoute(
        intake,
        signature,
        BoltAdapter(bolt),
        max_body_bytes=settings.max_body_bytes,
        max_connections=connections,
    )
    web = Application(route)
    if bolt.oauth_pages is not None:
        web.router.routes += oauth_pages.routes(bolt.oauth_pages)
    web.router.routes += pages
    if team is not None:
        mount(web, team, settings.max_body_bytes)
        take_over(HandedOver(intake, signature, bolt, max_body_bytes=settings.max_body_bytes))
    server = Server(
        OverloadLimit(web, intake, PATH),
        sockets,
        finish_seconds=times.finish_seconds(settings.of_master),
        head_seconds=settings.ack_deadline_seconds,  # Slack does not wait longer for the answer
        max_connections=connections,
    )
    return HttpTransport(web, intake, server, in_turn=in_turn)


def build_pod(settings: Settings, inbox: Inbox, worker: Worker, transport: Transport) -> Pod:
    """Returns the state of this pod. While it drains, its worker takes no lanes, and others get new requests.

    Args:
        settings: how long preStop waits.
        inbox: whether other processes can go on with its work.
        worker: stops taking lanes.
        transport: sends new requests elsewhere, and says what is wrong with the connection to Slack.
    """

    def drain() -> None:
        if inbox.database.shared:  # nobody else could run what a pod has in a database of its own: it goes on
            worker.stop_taking()
        transport.hand_over()

    def lapse() -> None:
        worker.resume_taking()
        transport.resume()

    return Pod(settings.drain_delay_seconds, on_drain=drain, on_lapse=lapse, trouble=lambda: transport.trouble)


def internal_server(pod: Pod, region: OwnRegion | None, sockets: Sequence[socket.socket]) -> Server:
    """Returns the server of the internal port: probes, metrics, and whether this pod's region should get traffic.

    `region`: None, where REGION is not set. `sockets`: bound, of the internal port.
    """
    pages = {
        "/metrics": metrics_page,
        "/region": probes.region_page(pod, lambda: region is not None and region.drained),
    }
    return Server(
        probes.create(pod, pages),
        sockets,
        finish_seconds=1,
        head_seconds=INTERNAL_HEAD_SECONDS,
        max_connections=INTERNAL_CONNECTIONS,
    )
