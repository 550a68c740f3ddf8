"""What a process does before it serves: it configures its log, and checks that no setting is missing."""

from __future__ import annotations

from anchorbolt import settings
from anchorbolt.encryption import HOW_TO_MAKE_ONE
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings.choices import ReceiverKind
from anchorbolt.settings.misspelt import explained
from anchorbolt.settings.model import Settings
from anchorbolt.settings.otel import collector
from anchorbolt.telemetry import logs, redact

NO_LISTENERS = "LISTENERS: missing; it names the module with your register(app), such as app for app.py"


def load() -> Settings:
    """Reads the settings, for a process that serves.

    Raises InvalidSettingsError, with all that are malformed, or else all that are missing, or else what is malformed
    of OpenTelemetry's.
    """
    with explained():
        loaded = settings.load()
        require_needed(loaded)
        collector()  # read again where it is used
        return loaded


def configure_logs(given: Settings) -> None:
    """Configures the log of this process as the settings say."""
    redact.hide_settings(given)
    logs.configure(given.log_level, as_json=given.log_format.is_json)


def require_needed(given: Settings) -> None:
    """Raises InvalidSettingsError when a setting that serving needs is missing."""
    problems = []
    if given.receiver is ReceiverKind.SOCKET:
        token = given.slack_app_token.get_secret_value() if given.slack_app_token else ""
        if given.has_socket and not token.startswith("xapp-"):
            said = "is no app-level token" if token else "missing"
            problems.append(f"SLACK_APP_TOKEN: {said}; it is under Basic Information of your Slack app (xapp-...)")
    elif not given.signing_secrets:
        problems.append("SLACK_SIGNING_SECRET: missing; it is under Basic Information of your Slack app")
    if given.installs:
        problems += _installing(given)
    elif not given.installs_itself and not _has_bot_token(given):
        problems.append("SLACK_BOT_TOKEN: missing; it is under OAuth & Permissions of your Slack app (xoxb-...)")
    if not given.listeners:
        problems.append(NO_LISTENERS)
    if problems:
        raise InvalidSettingsError(problems)


def _has_bot_token(given: Settings) -> bool:
    return given.slack_bot_token is not None and bool(given.slack_bot_token.get_secret_value())


def _installing(given: Settings) -> list[str]:
    """What is wrong with the settings of installation by OAuth, a line each."""
    problems = []
    if _has_bot_token(given):
        problems.append(
            "SLACK_BOT_TOKEN: leave it out, because with SLACK_CLIENT_ID each workspace has a token of its own;"
            " or leave out SLACK_CLIENT_ID, if the app is for one workspace"
        )
    if given.slack_client_secret is None or not given.slack_client_secret.get_secret_value():
        problems.append("SLACK_CLIENT_SECRET: missing; it is under Basic Information of your Slack app")
    if not given.slack_scopes and not given.slack_user_scopes:
        problems.append("SLACK_SCOPES: missing; they are under OAuth & Permissions, such as chat:write,commands")
    if given.public_url is None:
        problems.append("PUBLIC_URL: missing; it is the address of the app as browsers reach it")
    if given.in_memory:
        problems.append(
            f"{given.database_setting}: installations in memory end with the process: name a file, or a PostgreSQL"
        )
    if not given.keys:
        problems.append(f"TOKEN_KEYS: missing; the tokens of workspaces are stored encrypted: {HOW_TO_MAKE_ONE}")
    return problems
