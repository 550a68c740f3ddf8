"""The environment that a team's module finds when it is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from anchorbolt import settings
from anchorbolt.settings.model import Settings
from anchorbolt.settings.team import fill_environment

SLACK = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment of the test alone, without settings. Returns the folder that secrets are mounted in."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    monkeypatch.setattr(os, "environ", kept | {"SECRETS_DIRECTORY": str(mounted)})
    monkeypatch.chdir(tmp_path)
    return mounted


def test_variables_of_env_are_there(tmp_path: Path) -> None:
    """A variable of `.env` that is no setting of ours is in the environment, and one that was set stays as it was."""
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=of-the-team\nTEAM_SET=file\nSLACK_BOT_TOKEN=xoxb-file\nALONE\nOTEL_X=1\n"
    )
    os.environ["TEAM_SET"] = "environment"
    fill_environment(settings.load())
    assert os.environ["OPENAI_API_KEY"] == "of-the-team"
    assert os.environ["TEAM_SET"] == "environment"
    assert os.environ["SLACK_BOT_TOKEN"] == "xoxb-file"
    assert not {"ALONE", "OTEL_X"} & set(os.environ)


def test_slack_s_secrets_of_mounted_files_are_there(bare: Path) -> None:
    """A module that reads os.environ["SLACK_BOT_TOKEN"] finds it also where Kubernetes mounted it as a file."""
    for name in SLACK:
        (bare / name.lower()).write_text(f"mounted-{name}")
    (bare / "database_url").write_text("postgresql+asyncpg://app:planted@db/inbox")
    fill_environment(settings.load())
    assert {name: os.environ[name] for name in SLACK} == {name: f"mounted-{name}" for name in SLACK}
    assert "DATABASE_URL" not in os.environ


def test_what_is_set_wins_over_mounted_files(bare: Path) -> None:
    """The emulator's token, which `dev` puts into the environment, is the one that a team's module finds."""
    (bare / "slack_bot_token").write_text("xoxb-mounted")
    os.environ["SLACK_BOT_TOKEN"] = "xoxb-emulator"
    fill_environment(settings.load())
    assert os.environ["SLACK_BOT_TOKEN"] == "xoxb-emulator"
