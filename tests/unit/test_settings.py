"""The settings: read once, never changed, and quiet about what is secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from anchorbolt import settings
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle import start
from anchorbolt.settings.choices import LogFormat, Role
from anchorbolt.settings.model import Settings
from pydantic import ValidationError

from tests.support.forked import READ_AT_IMPORT

pytestmark = pytest.mark.usefixtures("bare")

SECRETS = {
    "SLACK_SIGNING_SECRET": "planted-signing-secret",
    "SLACK_BOT_TOKEN": "xoxb-planted-token",
    "DATABASE_URL": "postgresql+asyncpg://app:planted-password@db/inbox",
    "DATABASE_LISTEN_URL": "postgresql+asyncpg://app:planted-listen@db/inbox",
}

# Imports every module of the product and prints the names of the environment variables that were asked for.
IMPORT_ALL = """
import importlib, json, os, pkgutil
asked = set()
read = type(os.environ).__getitem__
type(os.environ).__getitem__ = lambda self, name: (asked.add(name), read(self, name))[1]
import anchorbolt
for module in pkgutil.walk_packages(anchorbolt.__path__, "anchorbolt."):
    if module.name.rpartition(".")[2] not in ("__main__", "env"):  # which run what they are for; env is Alembic's
        importlib.import_module(module.name)
print(json.dumps(sorted(asked)))
"""

# The default address of gunicorn, the implementation of OpenTelemetry's context, and a limit of its SDK.
ASKED_BY_LIBRARIES = {"PORT"} | READ_AT_IMPORT


def problems_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, ...]:
    """What the settings say is wrong with this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingsError) as caught:
        settings.load()
    return caught.value.problems


def test_nothing_is_needed_to_read_the_settings() -> None:
    """With nothing set there are defaults for all, so that commands which need no Slack run anywhere."""
    loaded = settings.load()

    assert loaded.role is Role.ALL
    assert loaded.log_format is LogFormat.AUTO
    assert loaded.signing_secrets == ()
    assert loaded.slack_bot_token is None


def test_settings_do_not_change() -> None:
    """What was read at the start holds until the end: nobody can set a setting."""
    loaded = settings.load()

    with pytest.raises(ValidationError, match="frozen"):
        loaded.port = 4000  # type: ignore[misc]  # which is what is tried here


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor str nor a dump as JSON shows a secret or a password."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    loaded = settings.load()

    shown = f"{loaded!r} {loaded} {loaded.model_dump_json()}"
    assert "slack_signing_secret" in shown
    assert "planted" not in shown


@pytest.mark.parametrize("name", ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "DATABASE_URL", "MAX_ATTEMPTS"])
def test_a_mounted_file_is_a_setting(bare: Path, name: str) -> None:
    """A file named after a setting, in the mounted folder, sets it: as Kubernetes mounts a Secret."""
    value = "7" if name == "MAX_ATTEMPTS" else SECRETS[name]
    bare.mkdir()
    (bare / name).write_text(f"{value}\n")

    found = getattr(settings.load(), name.lower())

    assert (found if isinstance(found, int) else found.get_secret_value()) == (7 if name == "MAX_ATTEMPTS" else value)


def test_the_folder_of_mounted_files_is_read_when_the_settings_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SECRETS_DIRECTORY counts as it is when the settings are loaded, however long ago the module was imported."""
    for name in ("7", "9"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "MAX_ATTEMPTS").write_text(name)

        monkeypatch.setenv("SECRETS_DIRECTORY", str(tmp_path / name))

        assert settings.load().max_attempts == int(name)


def test_an_import_reads_no_setting() -> None:
    """Importing any module of the product asks for none of our environment variables."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True, env=bare, timeout=60
    )

    asked = set(json.loads(result.stdout))
    assert asked >= ASKED_BY_LIBRARIES, "the check sees what is asked for"
    ours = {"SECRETS_DIRECTORY", *(name.upper() for name in Settings.model_fields)}
    assert (asked - ASKED_BY_LIBRARIES) & ours == set()
    assert [name for name in asked - ASKED_BY_LIBRARIES if name.startswith("OTEL_")] == []


def test_the_nearest_source_counts(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    """The environment comes before `.env`, and `.env` before a mounted file."""
    bare.mkdir()
    for name in ("PORT", "INTERNAL_PORT", "MAX_ATTEMPTS"):
        (bare / name).write_text("5003")
    Path(".env").write_text("PORT=5002\nINTERNAL_PORT=5002\n")
    monkeypatch.setenv("PORT", "5001")

    loaded = settings.load()

    assert (loaded.port, loaded.internal_port, loaded.max_attempts) == (5001, 5002, 5003)


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a value, as in a copied `.env.example`, leaves the default."""
    Path(".env").write_text("SLACK_BOT_TOKEN=\nPORT=\n")
    monkeypatch.setenv("MAX_ATTEMPTS", "")

    loaded = settings.load()

    assert (loaded.slack_bot_token, loaded.port, loaded.max_attempts) == (None, 3000, 13)


@pytest.mark.parametrize(
    ("given", "found"),
    [("one", (b"one",)), ("new,old", (b"new", b"old")), (" new , old ,", (b"new", b"old")), ("", ()), (" , ", ())],
)
def test_several_signing_secrets_are_valid_at_once(
    monkeypatch: pytest.MonkeyPatch, given: str, found: tuple[bytes, ...]
) -> None:
    """A rotation names the new secret and the old one, and blanks around them do not matter."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", given)

    assert settings.load().signing_secrets == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "planted"),
        ("LEASE_SECONDS", "0"),
        ("DRAIN_TIMEOUT_SECONDS", "-1"),
        ("MAX_ATTEMPTS", "0"),
        ("ROLE", "planted"),
        ("LOG_LEVEL", "planted"),
        ("DATABASE_URL", "mysql://user:planted@host/inbox"),
        ("DATABASE_URL", "planted"),
        ("ANCHORBOLT_DATABASE_URL", "planted"),
        ("DATABASE_LISTEN_URL", "planted"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A wrong setting is named in the message; its value, which may be a secret, is not."""
    (problem,) = problems_of(monkeypatch, **{name: value})

    assert problem.startswith(f"{name}: ")
    assert "planted" not in problem


@pytest.mark.parametrize("by", ["environment", ".env", "mounted file"])
def test_the_inbox_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, bare: Path, by: str) -> None:
    """ANCHORBOLT_DATABASE_URL wins, wherever it is given: DATABASE_URL is the app's own then, of whatever kind."""
    monkeypatch.setenv("DATABASE_URL", "mysql://of-the-team/db")
    if by == "environment":
        monkeypatch.setenv("ANCHORBOLT_DATABASE_URL", "sqlite:///ours.db")
    elif by == ".env":
        (bare.parent / ".env").write_text("ANCHORBOLT_DATABASE_URL=sqlite:///ours.db\n")
    else:
        bare.mkdir()
        (bare / "ANCHORBOLT_DATABASE_URL").write_text("sqlite:///ours.db\n")

    assert settings.load().database_url.get_secret_value() == "sqlite:///ours.db"
    assert os.environ["DATABASE_URL"] == "mysql://of-the-team/db"


@pytest.mark.parametrize(
    "url", ["mysql://u:planted@h/db", "mongodb+srv://h/planted", "oracle+cx://planted", "db.sqlite3"]
)
def test_a_database_of_the_app_is_told_of_the_other_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A DATABASE_URL that cannot be the inbox is mostly the app's own: the message says what to set instead."""
    (problem,) = problems_of(monkeypatch, DATABASE_URL=url)
    assert problem.endswith("name the inbox by ANCHORBOLT_DATABASE_URL, which wins")

    (problem,) = problems_of(monkeypatch, ANCHORBOLT_DATABASE_URL=url)
    assert problem.startswith("ANCHORBOLT_DATABASE_URL: is sqlite:///FILE")
    assert "which wins" not in problem


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who mends settings sees all that is wrong, not one mistake after the other."""
    problems = problems_of(monkeypatch, PORT="0", ROLE="king", LEASE_SECONDS="-5")

    assert {problem.split(":")[0] for problem in problems} == {"PORT", "ROLE", "LEASE_SECONDS"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PORT": "4000", "INTERNAL_PORT": "4000"}, "INTERNAL_PORT: is PORT too; give"),
        ({"ACK_DEADLINE_SECONDS": "3"}, "ACK_DEADLINE_SECONDS: Slack waits 3 s; set it below 3"),
        ({"BACKOFF_BASE_SECONDS": "9", "BACKOFF_CAP_SECONDS": "8"}, "BACKOFF_BASE_SECONDS: is above BACKOFF_CAP"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    """Two settings that contradict each other, or Slack, end the start with the name of one, and with what to do."""
    (problem,) = problems_of(monkeypatch, **environment)

    assert problem.startswith(said)


def test_names_of_further_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """ATTEMPT_ON is a list of names; a class of Python's own may be written without its module."""
    monkeypatch.setenv("ATTEMPT_ON", "our_app.errors.Busy, KeyError,some_word,")
    assert settings.load().attempt_on_names == {"our_app.errors.Busy", "builtins.KeyError", "some_word"}
    monkeypatch.setenv("ATTEMPT_ON", "not a name")
    with pytest.raises(InvalidSettingsError, match="ATTEMPT_ON: is a list of names"):
        settings.load()


def test_the_base_of_the_web_api_ends_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without the slash at its end, the base of the Web API is the same."""
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:3002/api")

    assert settings.load().slack_api_url == "http://127.0.0.1:3002/api/"


def test_serving_needs_a_secret_a_token_and_listeners() -> None:
    """Serving without them is refused, with where each is found at Slack, and what LISTENERS may name."""
    with pytest.raises(InvalidSettingsError) as caught:
        start.require_needed(settings.load())

    secret, token, listeners = caught.value.problems
    assert "Basic Information" in secret
    assert "OAuth & Permissions" in token
    assert "such as app for app.py" in listeners
