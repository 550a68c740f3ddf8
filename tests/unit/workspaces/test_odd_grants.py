"""Answers of Slack's to `oauth.v2.access` that are odd: the code is used up, so that what can be kept is kept."""

from __future__ import annotations

import math
from typing import Any

import pytest
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces import grant, token_requests
from anchorbolt.workspaces.lifetime import USUAL_SECONDS

ASKED_AT = 1_000.0
ANSWER: dict[str, Any] = {
    "ok": True,
    "team": {"id": "T1", "name": "Acme"},
    "authed_user": {"id": "U1"},
    "access_token": "xoxe.xoxb-1",
    "refresh_token": "xoxe-1",
}
LIFETIMES = [
    (43_200, 43_200.0),
    ("3600", 3_600.0),
    *((odd, USUAL_SECONDS) for odd in (None, "soon", True, -5, 0, math.nan, math.inf, 10**400, [1])),
]


@pytest.mark.parametrize(("expires_in", "seconds"), LIFETIMES)
def test_a_token_with_a_refresh_token_always_expires(expires_in: object, seconds: float) -> None:
    """Whatever `expires_in` is, the refresh token is kept and the token is refreshed in time."""
    answer = ANSWER | {"expires_in": expires_in}
    bot = grant.read(answer, asked_at=ASKED_AT, installed_at=1.0).installation.bot
    assert bot is not None
    assert (bot.refresh, bot.expires_at) == ("xoxe-1", ASKED_AT + seconds)
    again = token_requests._read(answer, "bot", ASKED_AT)
    assert isinstance(again, token_requests.New)
    assert again.token == bot


def test_a_token_without_an_end_has_none() -> None:
    """Without a refresh token and without `expires_in`, a token does not expire, when installed and when exchanged."""
    answer = {name: value for name, value in ANSWER.items() if name != "refresh_token"}
    bot = grant.read(answer, asked_at=ASKED_AT, installed_at=1.0).installation.bot
    assert bot is not None
    assert bot.expires_at is None
    again = token_requests._read(answer, "bot", ASKED_AT)
    assert isinstance(again, token_requests.New)
    assert again.token == bot


@pytest.mark.parametrize("expires_in", [60, "60"])
def test_a_token_that_expires_and_cannot_be_refreshed_keeps_its_end(expires_in: object) -> None:
    """So it is known to need another installation before it has expired."""
    answer = {name: value for name, value in ANSWER.items() if name != "refresh_token"} | {"expires_in": expires_in}
    bot = grant.read(answer, asked_at=ASKED_AT, installed_at=1.0).installation.bot
    assert bot is not None
    assert (bot.expires_at, bot.state) == (ASKED_AT + 60, InstallationState.REINSTALL_NEEDED)


@pytest.mark.parametrize(("name", "kept"), [("Ac\0me", "Acme"), ("Ac\ud800me", "Ac?me"), ("\0", None)])
def test_a_name_that_no_database_takes_is_mended(name: str, kept: str | None) -> None:
    """A null character or half of a surrogate pair in a name does not cost the user the installation."""
    answer = ANSWER | {"team": {"id": "T1", "name": name}}
    assert grant.read(answer, asked_at=ASKED_AT, installed_at=1.0).installation.name == kept
