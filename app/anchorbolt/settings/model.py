"""Every setting, with its type, its default and what its value must be."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from anchorbolt import encryption, limits
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings import ENV_FILE
from anchorbolt.settings.choices import (
    LOG_LEVELS,
    AttemptPolicy,
    InstallationsOf,
    LogDeliveries,
    LogFormat,
    ReceiverKind,
    Role,
    SocketConnections,
)
from anchorbolt.settings.of_master import MasterSettings

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
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
    role: Role = MasterSettings.role
    receiver: ReceiverKind = MasterSettings.receiver
    socket_connections: SocketConnections = SocketConnections.ALL
    socket_lease_seconds: PositiveSeconds = 6
    socket_silent_seconds: PositiveSeconds = 6
    host: str = MasterSettings.host
    port: Port = MasterSettings.port
    internal_port: Port = MasterSettings.internal_port
    max_body_bytes: Count = 1_048_576
    max_in_flight: Count = 512
    ack_deadline_seconds: PositiveSeconds = MasterSettings.ack_deadline_seconds

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
    drain_timeout_seconds: Seconds = MasterSettings.drain_timeout_seconds

    # Logs
    log_level: str = MasterSettings.log_level
    log_format: LogFormat = MasterSettings.log_format
    log_deliveries: LogDeliveries = LogDeliveries.ALL

    @property
    def of_master(self) -> MasterSettings:
        """The settings that the master has, too."""
        return MasterSettings(**{field.name: getattr(self, field.name) for field in fields(MasterSettings)})

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
        if value.upper() not in LOG_LEVELS:
            raise ValueError(f"is one of {', '.join(LOG_LEVELS)}")
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


def _listed(text: str | None) -> list[str]:
    return [part for part in map(str.strip, (text or "").split(",")) if part]
