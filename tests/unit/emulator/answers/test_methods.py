"""The emulator answers every method that slack_sdk calls, and no other."""

from __future__ import annotations

import inspect
import logging
import re
from typing import Any

import httpx
import pytest
from anchorbolt.emulator.answers import OPEN_SOCKET, PLAYED, answers
from anchorbolt.emulator.answers.names import NOT_IN_EACH_SDK, SLACK_METHODS
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.state.grants import Grant
from anchorbolt.emulator.state.workspace import Workspace
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

# A call of the SDK's own source: `self.api_call(`, perhaps a comment, and the method's name.
CALL = re.compile(r'self\.api_call\((?:\s*#[^\n]*\n)*\s*"([A-Za-z0-9.]+)"')
TEXTS = st.sampled_from(("", "C1", "U1", "x", "1.2", "-1", "null", "[1]", '{"type": "modal"}'))
ANY_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    TEXTS,
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
NAMES = ("channel", "channel_id", "ts", "user", "users", "text", "blocks", "view", "files", "cursor", "limit", "name")
ARGUMENTS = st.dictionaries(st.sampled_from(NAMES), ANY_VALUE)


def test_the_names_are_those_of_the_installed_sdk() -> None:
    """The list of methods holds each that the installed slack_sdk calls, and else only those that not each SDK has."""
    called = CALL.findall(inspect.getsource(WebClient))
    assert len(called) == inspect.getsource(WebClient).count("self.api_call(")
    assert set(called) | NOT_IN_EACH_SDK == SLACK_METHODS


def test_the_search_template_finds_a_sample() -> None:
    """Slack's search template shows what it finds, so there is something to find, with all that it reads."""
    answer = answers()["developer.sampleData.get"]({"query": "x"}, Workspace(), 1_760_000_000.0)
    assert {"external_ref", "title", "description", "date_updated"} <= answer["samples"][0].keys()


def test_what_is_played_is_a_method() -> None:
    """No answer is written for a misspelt method, and one answer or the server's own is there for each method."""
    assert PLAYED.keys() <= SLACK_METHODS
    assert answers().keys() == SLACK_METHODS - {OPEN_SOCKET}


@pytest.mark.parametrize("method", sorted(SLACK_METHODS - {OPEN_SOCKET}))
def test_no_arguments_are_answered(method: str) -> None:
    """Every method answers a call without arguments with ok, or with Slack's word for what is missing."""
    answer = answers()[method]({}, Workspace(), 1_760_000_000.0)
    assert answer["ok"] is True or isinstance(answer["error"], str)


@given(method=st.sampled_from(sorted(PLAYED)), arguments=ARGUMENTS)
def test_any_arguments_are_answered(method: str, arguments: dict[str, Any]) -> None:
    """Every method that is played answers arguments of any type, as Slack does, and never raises."""
    answer = PLAYED[method](arguments, Workspace(), 1_760_000_000.0)
    assert answer["ok"] is True or isinstance(answer["error"], str)


async def test_no_method_of_slack_s_is_unknown(web: AsyncWebClient) -> None:
    """A misspelt method fails here as it does in Slack."""
    with pytest.raises(SlackApiError, match="unknown_method"):
        await web.api_call("chat.postMesage", json={"channel": "C1", "text": "x"})


async def test_a_retired_method_fails(web: AsyncWebClient) -> None:
    """A method that Slack has retired fails here too, so that nobody finds out in production."""
    with pytest.warns(UserWarning, match="Conversations API"), pytest.raises(SlackApiError, match="method_deprecated"):
        await web.api_call("channels.list")


async def test_what_is_not_played_is_told_once(web: AsyncWebClient, caplog: pytest.LogCaptureFixture) -> None:
    """A list that the emulator does not play is empty under its right name, and the log says so at the first call."""
    with caplog.at_level(logging.WARNING, "anchorbolt.emulator"):
        for _ in range(2):
            answer = await web.admin_users_list(team_id="T1")
            assert answer["users"] == []
            assert answer["response_metadata"] == {"next_cursor": ""}
        assert (await web.auth_test())["ok"]
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("anchorbolt.emulator")]
    assert "admin.users.list is not played by the emulator" in line


async def test_a_token_of_nobody_is_refused(slack: Emulator) -> None:
    """A token that is none of Slack's is invalid, in a header and in a form."""
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await AsyncWebClient(token="my-token", base_url=slack.api_url).auth_test()
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{slack.api_url}auth.test", data={"token": "my-token"})
    assert answer.json() == {"ok": False, "error": "invalid_auth"}


@pytest.mark.filterwarnings("ignore:BasicAuth")  # slack_sdk's own use of aiohttp
async def test_an_installation_needs_no_token(slack: Emulator) -> None:
    """The exchange of a code for a token is called with the app's own secret."""
    client = AsyncWebClient(base_url=slack.api_url)
    code = slack.workspace.grants.allow(Grant("T0ANCH0R", "commands"))
    answer = await client.oauth_v2_access(client_id="1.2", client_secret="s", code=code)
    assert answer["access_token"].startswith("xoxb-")
    assert (await client.api_test())["ok"]
