"""What installation by OAuth needs is asked for at the start, all of it at once, and never shown."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle import start
from anchorbolt.settings.model import Settings

KEY = "a" * 43 + "="
ALL: dict[str, Any] = {
    "slack_signing_secret": "s",
    "listeners": "app",
    "slack_bot_token": None,  # another test of this process may have left one in the environment
    "slack_client_id": "1.2",
    "slack_client_secret": "client-secret",
    "slack_scopes": "chat:write",
    "public_url": "https://bot.example.com",
    "token_keys": KEY,
}


def problems(**changes: Any) -> list[str]:
    """The names of the settings that the start complains of."""
    settings = Settings(_env_file=None, **(ALL | changes))
    try:
        start.require_needed(settings)
    except InvalidSettingsError as error:
        return [problem.partition(":")[0] for problem in error.problems]
    return []


def test_with_all_of_them_it_starts() -> None:
    """No SLACK_BOT_TOKEN is asked for."""
    assert problems() == []
    assert problems(slack_scopes=None, slack_user_scopes="search:read") == []


@pytest.mark.parametrize("missing", ["slack_client_secret", "slack_scopes", "public_url", "token_keys"])
def test_what_is_missing_is_named(missing: str) -> None:
    """Each of them is needed."""
    assert problems(**{missing: None}) == [missing.upper()]


def test_one_token_for_all_is_refused() -> None:
    """SLACK_BOT_TOKEN beside SLACK_CLIENT_ID would leave open which of them counts."""
    assert problems(slack_bot_token="xoxb-1") == ["SLACK_BOT_TOKEN"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_installations_in_memory_are_refused(url: str) -> None:
    """They would end with the process."""
    assert problems(database_url=url) == ["DATABASE_URL"]
    assert problems(anchorbolt_database_url=url) == ["ANCHORBOLT_DATABASE_URL"]


def test_an_app_with_installations_of_its_own_needs_none_of_it() -> None:
    """INSTALLATIONS=app: the app finds the tokens."""
    changes = {"installations": "app", "slack_client_secret": None, "public_url": None, "token_keys": None}
    assert problems(**changes) == []
