"""What the master does before there is a worker: looks whether it can serve at all, then opens the ports.

It imports none of what serves. Master and worker would each hold a copy of most of it, for the pages that a fork shares
part as soon as one of them counts a reference (docs/decisions/0060-the-master-imports-little.md).
"""

from __future__ import annotations

from collections.abc import Callable

from app.errors import InvalidSettingsError
from app.lifecycle import collector
from app.lifecycle.master import Live, Master
from app.lifecycle.ports import require_free
from app.settings import LogFormat, ReceiverKind, Role, Settings
from app.telemetry import logs

# What requests in flight get after the last of them was accepted.
FINISH_MARGIN_SECONDS = 1.0
# More than the parts of life.py take together, so that only what hangs is killed.
END_MARGIN_SECONDS = 8.0


def serve(settings: Settings, load: Callable[[], Live]) -> None:
    """Runs the app until a signal ends it. `load` imports and returns it, in the worker."""
    configure_logs(settings)
    require_secrets(settings)
    ports = {"INTERNAL_PORT": settings.internal_port}
    if settings.role is not Role.WORKER and not settings.has_socket:
        ports = {"PORT": settings.port} | ports
    for setting, port in ports.items():
        require_free(settings.host, port, setting)
    addresses = [(settings.host, port) for port in ports.values()]
    collector.calm()  # before the fork: what is never looked at again stays one copy for both
    Master(load, addresses, end_seconds(settings)).run()


def finish_seconds(settings: Settings) -> float:
    """What requests in flight get at the end."""
    return settings.ack_deadline_seconds + FINISH_MARGIN_SECONDS


def end_seconds(settings: Settings) -> float:
    """How long the server may take from SIGTERM to its end; the grace period of a pod must be longer."""
    return finish_seconds(settings) + settings.drain_timeout_seconds + END_MARGIN_SECONDS


def configure_logs(settings: Settings) -> None:
    """Where lines go, and how they look."""
    as_json = None if settings.log_format is LogFormat.AUTO else settings.log_format is LogFormat.JSON
    logs.configure(settings.log_level, as_json=as_json)


def require_secrets(settings: Settings) -> None:
    """Raises InvalidSettingsError for what serving needs and the settings do not have."""
    problems = []
    if settings.receiver is ReceiverKind.SOCKET:
        token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
        if settings.has_socket and not token.startswith("xapp-"):
            said = "is no app-level token" if token else "missing"
            problems.append(f"SLACK_APP_TOKEN: {said}; it is under Basic Information of your Slack app (xapp-...)")
    elif not settings.signing_secrets:
        problems.append("SLACK_SIGNING_SECRET: missing; it is under Basic Information of your Slack app")
    if settings.slack_bot_token is None or not settings.slack_bot_token.get_secret_value():
        problems.append("SLACK_BOT_TOKEN: missing; it is under OAuth & Permissions of your Slack app (xoxb-...)")
    if problems:
        raise InvalidSettingsError(problems)
