"""A misspelt setting is warned of, because it would be taken for a variable of the team's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt.cli.check import check
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle import start
from anchorbolt.settings.misspelt import misspelt, warnings
from anchorbolt.settings.model import Settings

pytestmark = pytest.mark.usefixtures("no_log_of_a_command")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("SLACK_SIGNIN_SECRET", "SLACK_SIGNING_SECRET"),
        ("DRAIN_TIMEOUT_SECOND", "DRAIN_TIMEOUT_SECONDS"),
        ("INSTALLATIONSS", "INSTALLATIONS"),
        ("LISTENER", "LISTENERS"),
        ("MAX_ATTEMTPS", "MAX_ATTEMPTS"),
        ("slack_bot_tokn", "SLACK_BOT_TOKEN"),
        ("ANCHORBOLT_DATABASE_URI", "ANCHORBOLT_DATABASE_URL"),
        ("ANCHORBOLT_LISTENERS", "LISTENERS"),
    ],
)
def test_a_name_that_is_close_to_a_setting_is_named_with_it(name: str, setting: str) -> None:
    """The sentence names both, and never the value."""
    assert warnings({name: "planted"}) == [f"{name.upper()} is not a setting; did you mean {setting}?"]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_close_to_no_other(name: str) -> None:
    """What is a setting is none that is misspelt."""
    assert warnings({name.upper(): "1"}) == []


@pytest.mark.parametrize(
    "name",
    [
        "SLACK_API_TOKEN",
        "SLACK_USER_TOKEN",
        "SLACK_CHANNEL",
        "SLACK_TEAM_ID",
        "DATABASE_URI",
        "DB_URL",
        "REDIS_URL",
        "OPENAI_API_KEY",
        "HOSTNAME",
        "HOME",
        "PATH",
        "PORTS",
        "AWS_REGION",
        "DEBUG",
        "LOG_FILE",
        "TOKEN",
        "OTEL_SERVICE_NAME",
        "KUBERNETES_PORT",
        "ANCHORBOLT_SERVICE_HOST",
        "ANCHORBOLT_PORT_80_TCP_ADDR",
    ],
)
def test_variables_of_the_teams_own_are_welcome(name: str) -> None:
    """What teams and platforms set is no misspelt setting of ours."""
    assert warnings({name: "x"}) == []


def test_the_address_of_a_service_is_no_setting() -> None:
    """For a Service named anchorbolt, Kubernetes sets ANCHORBOLT_PORT to its address."""
    assert warnings({"ANCHORBOLT_PORT": "tcp://10.0.0.1:80"}) == []


def test_a_setting_that_is_given_was_not_meant() -> None:
    """Beside SLACK_BOT_TOKEN, SLACK_BOT_TOKENS is something else."""
    assert warnings({"SLACK_BOT_TOKEN": "x", "SLACK_BOT_TOKENS": "x"}) == []


def test_all_three_places_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, .env and the mounted files are where a setting can be given, and so be misspelt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRETS_DIRECTORY", str(tmp_path / "mounted"))
    monkeypatch.setenv("DRAIN_DELAY_SECOND", "1")
    (tmp_path / ".env").write_text("LISTENER=app\nLISTENERS=\nOURS\n")
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "SLACK_SIGNIN_SECRET").write_text("x")
    names = {warning.partition(" ")[0] for warning in misspelt()}
    assert names >= {"DRAIN_DELAY_SECOND", "LISTENER", "SLACK_SIGNIN_SECRET"}


@pytest.fixture
def misspelt_listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose .env says LISTENER, and an environment without settings."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("LISTENER=app\nSLACK_SIGNING_SECRET=s\nSLACK_BOT_TOKEN=xoxb-1\n")


@pytest.mark.usefixtures("misspelt_listeners")
def test_serve_explains_with_it_what_is_missing() -> None:
    """A setting that is missing may be there under another name: both are said."""
    with pytest.raises(InvalidSettingsError) as caught:
        start.load()
    missing, close = caught.value.problems
    assert missing.startswith("LISTENERS: missing")
    assert close == "LISTENER is not a setting; did you mean LISTENERS?"


@pytest.mark.usefixtures("misspelt_listeners")
def test_check_warns_of_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a line of the output, and counts as no mistake."""
    with pytest.raises(InvalidSettingsError, match="1 wrong"):
        check()
    assert capsys.readouterr().out.count("warning: LISTENER is not a setting; did you mean LISTENERS?\n") == 1
