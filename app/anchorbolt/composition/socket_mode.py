"""Builds the transport of Socket Mode (RECEIVER=socket)."""

from __future__ import annotations

from anchorbolt.bolt.app import BoltApp
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.intake import Intake
from anchorbolt.settings.choices import SocketConnections
from anchorbolt.settings.model import Settings
from anchorbolt.socket_mode.envelopes import Envelopes
from anchorbolt.socket_mode.leadership import EveryProcess, SingleLeader
from anchorbolt.socket_mode.slack import Slack
from anchorbolt.socket_mode.transport import SocketTransport
from anchorbolt.telemetry.logs import get_logger

log = get_logger("main")


def socket_transport(settings: Settings, inbox: Inbox, bolt: BoltApp, intake: Intake) -> SocketTransport:
    """Returns the transport of Socket Mode, which hands to `intake` and `bolt` what Slack sends.

    By SOCKET_CONNECTIONS every receiver is connected, or only the leader, who is chosen in the database of the `inbox`.
    """
    token = settings.slack_app_token
    single = settings.socket_connections is SocketConnections.SINGLE
    if single and not inbox.database.durable:
        log.warning("SOCKET_CONNECTIONS=single holds for one database: several replicas choose one on a PostgreSQL")
    return SocketTransport(
        Slack(token.get_secret_value() if token else "", settings.slack_api_url),
        Envelopes(bolt, intake),
        SingleLeader(inbox, settings.socket_lease_seconds) if single and inbox.database.shared else EveryProcess(),
        silent_seconds=settings.socket_silent_seconds,
    )
