"""The settings: only this package reads the environment, `.env` and mounted secret files, and only when called."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from anchorbolt import encryption, limits
from anchorbolt.errors import InvalidSettingsError

DEFAULT_SECRETS_DIRECTORY = "/run/secrets/anchorbolt"
ENV_FILE = ".env"  # in the working directory

Seconds = Annotated[float, Field(ge=0)]
PositiveSeconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


# DATABASE_LISTEN_URL with this value: DATABASE_URL is a pooler, and no other address of the database can be reached.
NO_LISTEN = "none"

# The pages of an installation.
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
# The end of messages about a database that cannot be the inbox.
OF_THE_APP = "if it is your app's own database, leave it, and name the inbox by ANCHORBOLT_DATABASE_URL, which wins"


class Role(StrEnum):
    """Which part of the work a process does."""

    ALL = "all"
    RECEIVER = "receiver"
    WORKER = "worker"


class ReceiverKind(StrEnum):
    """The transport: how deliveries arrive."""

    HTTP = "http"
    SOCKET = "socket"


class SocketConnections(StrEnum):
    """Which receivers are connected to Slack in Socket Mode: all of them, or only the leader."""

    ALL = "all"
    SINGLE = "single"


class InstallationsOf(StrEnum):
    """Whose the installations in workspaces are: ours, or those of the app's own store or `authorize`."""

    ANCHORBOLT = "anchorbolt"
    APP = "app"


class AttemptPolicy(StrEnum):
    """After which errors of a listener there is another attempt."""

    TRANSIENT = "transient"
    ALL = "all"
    NONE = "none"


class LogFormat(StrEnum):
    """The format of log lines; `auto` is JSON unless standard error is a terminal."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogDeliveries(StrEnum):
    """Which deliveries are logged, each with a line when it arrives and one when it ends."""

    ALL = "all"
    FAILURES = "failures"
    NONE = "none"


class Settings(BaseSettings):
    """Every setting of the app. They are read once, when the process starts, and never change."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # Slack
    slack_signing_secret: SecretStr = SecretStr("")
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"

    # Installation in many workspaces: SLACK_CLIENT_ID switches it on
    installations: InstallationsOf = InstallationsOf.ANCHORBOLT
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_scopes: str | None = None
    slack_user_scopes: str | None = None
    public_url: str | None = None
    token_keys: SecretStr | None = None
    install_without_state: bool = False
    notify_installer: bool = False

    # The module with the listeners: any importable module with register(app)
    listeners: str = ""
    routes: str | None = None

    # The inbox
    database_url: SecretStr = SecretStr("sqlite:///var/anchorbolt.db")
    anchorbolt_database_url: SecretStr | None = None  # becomes `database_url`, which is what all others read
    database_listen_url: SecretStr | None = None
    lease_seconds: PositiveSeconds = 15
    retention_hours: PositiveSeconds = 26
    dead_retention_days: PositiveSeconds = 30

    region: str | None = None

    # Receiving
    role: Role = Role.ALL
    receiver: ReceiverKind = ReceiverKind.HTTP
    socket_connections: SocketConnections = SocketConnections.ALL
    socket_lease_seconds: PositiveSeconds = 6
    socket_silent_seconds: PositiveSeconds = 6
    host: str = "0.0.0.0"  # noqa: S104 - a container's own address is not known before it runs
    port: Port = 3000
    internal_port: Port = 3001
    max_body_bytes: Count = 1_048_576
    max_in_flight: Count = 512
    ack_deadline_seconds: PositiveSeconds = 2.5

    # Running
    run_concurrency: Count = 200
    sync_threads: Count = 40
    run_timeout_seconds: PositiveSeconds = 600
    listener_limits: str | None = None
    max_attempts: Count = 13
    attempt_policy: AttemptPolicy = AttemptPolicy.TRANSIENT
    app_version: str | None = None
    attempt_on: str | None = None
    max_crashes: Count = 5
    backoff_base_seconds: PositiveSeconds = 1
    backoff_cap_seconds: PositiveSeconds = 300

    # The life of a pod
    drain_socket: Path | None = None
    drain_delay_seconds: Seconds = 5
    drain_timeout_seconds: Seconds = 25

    # Logs
    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.AUTO
    log_deliveries: LogDeliveries = LogDeliveries.ALL

    @property
    def installs(self) -> bool:
        """Whether we install the app in many workspaces by OAuth, each with tokens of its own."""
        return bool(self.slack_client_id) and not self.installs_itself

    @property
    def installs_itself(self) -> bool:
        """Whether the team's app finds the tokens of workspaces by itself."""
        return self.installations is InstallationsOf.APP

    @property
    def has_socket(self) -> bool:
        """Whether this process receives over Socket Mode."""
        return self.receiver is ReceiverKind.SOCKET and self.role is not Role.WORKER

    @property
    def database_setting(self) -> str:
        """The setting that names the inbox's database, for messages: the one of the two that is in use."""
        return "ANCHORBOLT_DATABASE_URL" if self.anchorbolt_database_url else "DATABASE_URL"

    @property
    def on_postgresql(self) -> bool:
        """Whether DATABASE_URL names a PostgreSQL, and not SQLite."""
        return self.database_url.get_secret_value().startswith("postgres")

    @property
    def in_memory(self) -> bool:
        """Whether DATABASE_URL names a SQLite in memory, which ends with the process."""
        return not self.on_postgresql and self.database_url.get_secret_value().partition("://")[2] in ("", "/:memory:")

    @property
    def drain_socket_path(self) -> Path:
        """The Unix socket that `preStop` speaks to (anchorbolt/drain.py computes it alike)."""
        return self.drain_socket or Path(f"/tmp/anchorbolt-{self.internal_port}.sock")  # noqa: S108 - bound for the owner alone

    @property
    def signing_secrets(self) -> tuple[bytes, ...]:
        """The signing secrets that are valid now: two of them during a rotation."""
        parts = (part.strip() for part in self.slack_signing_secret.get_secret_value().split(","))
        return tuple(part.encode() for part in parts if part)

    @property
    def install_url(self) -> str:
        """Where users begin to install the app in their workspace."""
        return f"{self.public_url or ''}{INSTALL_PATH}"

    @property
    def redirect_url(self) -> str:
        """Where Slack sends the browser back, once the user has allowed the installation."""
        return f"{self.public_url or ''}{REDIRECT_PATH}"

    @property
    def bot_scopes(self) -> list[str]:
        """The scopes of SLACK_SCOPES, which are asked for the bot."""
        return _listed(self.slack_scopes)

    @property
    def user_scopes(self) -> list[str]:
        """The scopes of SLACK_USER_SCOPES, which are asked for the user who installs the app."""
        return _listed(self.slack_user_scopes)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of TOKEN_KEYS, the one that encrypts first."""
        return encryption.parse(self.token_keys.get_secret_value()) if self.token_keys else ()

    @property
    def attempt_on_names(self) -> frozenset[str]:
        """The names of ATTEMPT_ON; a class of Python's own may be written without its module."""
        names = (name.strip() for name in (self.attempt_on or "").split(","))
        return frozenset(
            f"builtins.{name}" if name[:1].isupper() and "." not in name else name for name in names if name
        )

    @model_validator(mode="before")
    @classmethod
    def _names_the_inbox(cls, given: dict[str, Any]) -> dict[str, Any]:
        """An app may have a DATABASE_URL of its own, which need not be one that we know."""
        url = given.get("anchorbolt_database_url")
        return given | {"database_url": url} if url else given

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_a_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        scheme, _, rest = (value or "https://a").partition("://")
        if scheme not in ("http", "https") or not rest or any(sign in rest for sign in "?# @"):
            raise ValueError("is the address of the app as browsers reach it, such as https://slack.example.com")
        return value.rstrip("/") if value else value

    @field_validator("token_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        encryption.parse(value.get_secret_value() if value else "")
        return value

    @field_validator("log_level")
    @classmethod
    def _is_a_level(cls, value: str) -> str:
        levels = ("DEBUG", "INFO", "WARNING", "ERROR")
        if value.upper() not in levels:
            raise ValueError(f"is one of {', '.join(levels)}")
        return value.upper()

    @field_validator("region")
    @classmethod
    def _is_a_name_of_a_region(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", value):
            raise ValueError("is a short name of lower-case letters, digits and hyphens, such as eu")
        return value

    @field_validator("attempt_on")
    @classmethod
    def _holds_names(cls, value: str | None) -> str | None:
        for name in filter(None, map(str.strip, (value or "").split(","))):
            if not all(part.isidentifier() for part in name.split(".")):
                raise ValueError(
                    "is a list of names, separated by commas, such as httpx.ReadTimeout,our_app.errors.Busy"
                )
        return value

    @field_validator("listener_limits")
    @classmethod
    def _is_a_list_of_limits(cls, value: str | None) -> str | None:
        try:
            limits.parse(value or "")
        except InvalidSettingsError as error:
            raise ValueError(error.problems[0].removeprefix("LISTENER_LIMITS: ")) from None
        return value

    @field_validator("database_url", "anchorbolt_database_url", "database_listen_url")
    @classmethod
    def _is_a_database_we_know(cls, value: SecretStr | None, about: ValidationInfo) -> SecretStr | None:
        if value is None or value.get_secret_value() == NO_LISTEN:
            return value
        scheme, _, rest = value.get_secret_value().partition("://")
        backend = scheme.partition("+")[0]  # a driver may be named, as in sqlite+aiosqlite; we take our own
        if backend not in ("sqlite", "postgresql", "postgres"):
            hint = f"; {OF_THE_APP}" if about.field_name == "database_url" else ""
            raise ValueError(f"is sqlite:///FILE, sqlite:// or postgresql://...{hint}")
        if backend == "sqlite" and rest and not rest.startswith("/"):  # `sqlite://var/file` is the file on a host `var`
            raise ValueError(
                "has three slashes before a relative path of a SQLite file, and four before an absolute one"
            )
        return value

    @model_validator(mode="after")
    def _add_up(self) -> Settings:
        if self.port == self.internal_port:
            raise ValueError("INTERNAL_PORT: is PORT too; give one of them another number")
        if self.ack_deadline_seconds >= 3:
            raise ValueError("ACK_DEADLINE_SECONDS: Slack waits 3 s; set it below 3, or take it out (then 2.5)")
        if self.backoff_base_seconds > self.backoff_cap_seconds:
            raise ValueError("BACKOFF_BASE_SECONDS: is above BACKOFF_CAP_SECONDS; lower it, or raise that")
        return self


def load() -> Settings:
    """Reads the settings from the environment, `.env` and the folder that SECRETS_DIRECTORY names.

    Raises InvalidSettingsError, which names every wrong setting and never shows a value.
    """
    directory = secrets_directory()
    try:
        return Settings(_secrets_dir=directory if directory.is_dir() else None)
    except ValidationError as error:
        found = {one["loc"]: one["msg"] for one in error.errors(include_input=False, include_url=False)}
        if ("anchorbolt_database_url",) in found:  # `database_url` is a copy of it: the problem is named once
            found.pop(("database_url",), None)
        raise InvalidSettingsError([_problem(where, what) for where, what in found.items()]) from None


def secrets_directory() -> Path:
    """Returns the folder of mounted settings, which need not be there."""
    return Path(os.environ.get("SECRETS_DIRECTORY") or DEFAULT_SECRETS_DIRECTORY)


def _problem(where: tuple[int | str, ...], what: str) -> str:
    """One problem as a line that begins with the setting's name; the text of a problem between two has it already."""
    name = ".".join(map(str, where)).upper()
    return f"{name}: {what}".removeprefix(": ").replace("Value error, ", "", 1)


def _listed(text: str | None) -> list[str]:
    return [part for part in map(str.strip, (text or "").split(",")) if part]


def environment_with(**changes: str) -> dict[str, str]:
    """Returns our environment with these variables set, for a process that we start."""
    return {**os.environ, **changes}
