"""What `serve` does before there is a master: it checks the settings and the ports, then becomes the master."""

from __future__ import annotations

import sys
from typing import NoReturn

from anchorbolt.encryption import HOW_TO_MAKE_ONE
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle.orders import Orders, become_master
from anchorbolt.lifecycle.ports import require_free
from anchorbolt.settings import LogFormat, ReceiverKind, Role, Settings

NO_LISTENERS = "LISTENERS: missing; it names the module with your register(app), such as app for app.py"
# How long requests in flight have after the deadline of the last one that was accepted.
FINISH_MARGIN_SECONDS = 1.0
# More than the other steps of life.py take together, so that only a worker that hangs is killed.
END_MARGIN_SECONDS = 13.0


def serve(settings: Settings) -> NoReturn:
    """Runs the app until a signal ends it: the same process goes on as app/anchorbolt/master.py."""
    require_needed(settings)
    ports = {"INTERNAL_PORT": settings.internal_port}
    if settings.role is not Role.WORKER and not settings.has_socket:
        ports = {"PORT": settings.port} | ports
    for setting, port in ports.items():
        require_free(settings.host, port, setting)
    become_master(
        Orders(
            addresses=tuple((settings.host, port) for port in ports.values()),
            end_seconds=end_seconds(settings),
            log_level=settings.log_level,
            as_json=writes_json(settings),
        )
    )


def finish_seconds(settings: Settings) -> float:
    """How many seconds requests in flight have at the end."""
    return settings.ack_deadline_seconds + FINISH_MARGIN_SECONDS


def end_seconds(settings: Settings) -> float:
    """How many seconds the server may take from SIGTERM to its end. The grace period of a pod must be longer."""
    return finish_seconds(settings) + settings.drain_timeout_seconds + END_MARGIN_SECONDS


def writes_json(settings: Settings) -> bool:
    """Whether log lines are JSON. `auto` means JSON unless standard error is a terminal."""
    if settings.log_format is LogFormat.AUTO:
        return not sys.stderr.isatty()
    return settings.log_format is LogFormat.JSON


def configure_logs(settings: Settings) -> None:
    """Configures the log of this process as the settings say."""
    from anchorbolt.telemetry import logs, redact  # noqa: PLC0415 - `serve` does without structlog

    redact.hide_settings(settings)
    logs.configure(settings.log_level, as_json=writes_json(settings))


def require_needed(settings: Settings) -> None:
    """Raises InvalidSettingsError when a setting that serving needs is missing."""
    problems = []
    if settings.receiver is ReceiverKind.SOCKET:
        token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
        if settings.has_socket and not token.startswith("xapp-"):
            said = "is no app-level token" if token else "missing"
            problems.append(f"SLACK_APP_TOKEN: {said}; it is under Basic Information of your Slack app (xapp-...)")
    elif not settings.signing_secrets:
        problems.append("SLACK_SIGNING_SECRET: missing; it is under Basic Information of your Slack app")
    if settings.installs:
        problems += _installing(settings)
    elif not settings.installs_itself and not _has_bot_token(settings):
        problems.append("SLACK_BOT_TOKEN: missing; it is under OAuth & Permissions of your Slack app (xoxb-...)")
    if not settings.listeners:
        problems.append(NO_LISTENERS)
    if problems:
        raise InvalidSettingsError(problems)


def _has_bot_token(settings: Settings) -> bool:
    return settings.slack_bot_token is not None and bool(settings.slack_bot_token.get_secret_value())


def _installing(settings: Settings) -> list[str]:
    """What is wrong with the settings of installation by OAuth, a line each."""
    problems = []
    if _has_bot_token(settings):
        problems.append(
            "SLACK_BOT_TOKEN: leave it out, because with SLACK_CLIENT_ID each workspace has a token of its own;"
            " or leave out SLACK_CLIENT_ID, if the app is for one workspace"
        )
    if settings.slack_client_secret is None or not settings.slack_client_secret.get_secret_value():
        problems.append("SLACK_CLIENT_SECRET: missing; it is under Basic Information of your Slack app")
    if not settings.slack_scopes and not settings.slack_user_scopes:
        problems.append("SLACK_SCOPES: missing; they are under OAuth & Permissions, such as chat:write,commands")
    if settings.public_url is None:
        problems.append("PUBLIC_URL: missing; it is the address of the app as browsers reach it")
    if settings.in_memory:
        problems.append(
            f"{settings.database_setting}: installations in memory end with the process: name a file, or a PostgreSQL"
        )
    if not settings.keys:
        problems.append(f"TOKEN_KEYS: missing; the tokens of workspaces are stored encrypted: {HOW_TO_MAKE_ONE}")
    return problems
