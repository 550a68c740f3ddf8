"""What an error of the Web API says, whatever form its answer has."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.bolt import slack_error
from anchorbolt.bolt.web_api.watched_client import of_error
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse


def answered(data: Any, status: int = 200) -> SlackApiError:
    """The error that slack_sdk raises for an answer."""
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=status
    )
    return raised(response)


def raised(response: Any) -> SlackApiError:
    """The error with an answer in it."""
    return SlackApiError("failed", response)  # type: ignore[no-untyped-call] # slack_sdk's own has no annotations


def test_slacks_own_word_is_found() -> None:
    """The word is the one in the answer, as slack_sdk wraps it or as a plain object."""
    assert slack_error.word(answered({"ok": False, "error": "token_revoked"})) == "token_revoked"
    assert slack_error.word(raised({"ok": False, "error": "ratelimited"})) == "ratelimited"


@pytest.mark.parametrize("data", ["upstream error", "", None, {"ok": False}, {"error": 7}])
def test_an_answer_without_a_word_has_none(data: Any) -> None:
    """A page of a proxy, or an answer without an error in it, is an error without a word, and none of ours."""
    error = answered(data, 503)
    assert slack_error.word(error) is None
    assert slack_error.unknown_word(error) is None
    assert slack_error.retry_after_seconds(error) is None


@pytest.mark.parametrize(
    ("said", "found"),
    [("30", 30), ("0", 0), ("nan", None), ("inf", None), ("1e999", None), ("-1", None), ("soon", None)],
)
def test_how_long_slack_wants_to_be_left_alone(said: str, found: float | None) -> None:
    """What is no time that anybody can wait is as if nothing was said."""
    error = answered({"ok": False, "error": "ratelimited"}, 429)
    error.response.headers["Retry-After"] = said
    assert slack_error.retry_after_seconds(error) == found


@pytest.mark.parametrize(
    ("said", "result"),
    [("channel_not_found", "channel_not_found"), ("No: xoxb-PLANTED", "other"), (100 * "a", "other")],
)
def test_what_is_no_word_is_no_label(said: str, result: str) -> None:
    """What stands in Slack's place may say anything: the metric of calls has a bounded number, and no secret of it."""
    error = SlackApiError("refused", {"ok": False, "error": said})  # type: ignore[no-untyped-call]
    assert of_error(error) == result
