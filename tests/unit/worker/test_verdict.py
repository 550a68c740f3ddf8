"""What follows from how a run ended: done, again after a while, or a dead letter."""

from __future__ import annotations

import pytest
from anchorbolt.bolt.slack_error import PERMANENT
from anchorbolt.errors import NotAuthorizedError, RunTimeoutError
from anchorbolt.inbox.lease import End
from anchorbolt.worker.verdict import DONE, Limits, describe, judge
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

LIMITS = Limits(max_attempts=8, max_crashes=5, backoff_base_seconds=1, backoff_cap_seconds=60, run_timeout_seconds=600)


def slack_error(word: str, status: int = 200, **headers: str) -> SlackApiError:
    """What slack_sdk raises for an answer of Slack's that is not ok."""
    response = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="https://slack.com/api/chat.postMessage",
        req_args={"headers": {"Authorization": "Bearer xoxb-secret"}},
        data={"ok": False, "error": word, "note": "xoxb-secret"},
        headers=headers,
        status_code=status,
    )
    return SlackApiError("The request to the Slack API failed.", response)  # type: ignore[no-untyped-call]


def test_a_run_that_ended_well_is_done() -> None:
    """No error is no further attempt."""
    assert judge(None, 8, LIMITS) is DONE


@pytest.mark.parametrize(
    ("chance", "expected"),
    [(0.0, [0.5, 1, 2, 4, 8, 16, 30]), (1.0, [1, 2, 4, 8, 16, 32, 60])],
)
def test_backoff_doubles_up_to_its_cap(chance: float, expected: list[float]) -> None:
    """Each wait is twice the one before, at most the cap, less up to a half by chance: not all come back at once."""
    delays = [judge(ValueError("x"), attempt, LIMITS, lambda: chance).delay_seconds for attempt in range(1, 8)]
    assert delays == expected


def test_the_last_attempt_is_followed_by_none() -> None:
    """MAX_ATTEMPTS is how often it is tried: the eighth failure is a dead letter with its error."""
    assert judge(ValueError("x"), 7, LIMITS).end is End.RETRY
    verdict = judge(ValueError("x"), 8, LIMITS)
    assert (verdict.end, verdict.error) == (End.DEAD, "ValueError: x")


def test_slack_says_how_long_to_wait() -> None:
    """A 429 waits for its Retry-After where that is longer than our own backoff, and not less than our backoff."""
    error = slack_error("ratelimited", 429, **{"Retry-After": "30"})
    assert judge(error, 1, LIMITS, lambda: 1.0).delay_seconds == 30
    assert judge(error, 7, LIMITS, lambda: 1.0).delay_seconds == 60


@pytest.mark.parametrize("value", ["soon", "", "-5"])
def test_a_retry_after_that_is_no_time(value: str) -> None:
    """What cannot be understood leaves our own backoff as it is."""
    error = slack_error("ratelimited", 429, **{"retry-after": value})
    assert judge(error, 1, LIMITS, lambda: 1.0).delay_seconds == 1


@pytest.mark.parametrize("word", ["invalid_auth", "channel_not_found", "expired_trigger_id", "missing_scope"])
def test_what_no_repetition_mends(word: str) -> None:
    """Errors that would come again are a dead letter at the first attempt."""
    verdict = judge(slack_error(word), 1, LIMITS)
    assert (verdict.end, verdict.error) == (End.DEAD, f"SlackApiError: {word}")


@pytest.mark.parametrize(
    "word",
    ["ratelimited", "internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout"],
)
def test_what_a_repetition_may_mend(word: str) -> None:
    """Errors on Slack's side are tried again."""
    assert word not in PERMANENT
    assert judge(slack_error(word, 500), 1, LIMITS).end is End.RETRY


@pytest.mark.parametrize("error", [RunTimeoutError("x"), NotAuthorizedError("x"), OSError("x"), KeyError("x")])
def test_everything_else_is_tried_again(error: Exception) -> None:
    """A time limit, a refused token and a defect are attempts like any other."""
    assert judge(error, 1, LIMITS).end is End.RETRY


def test_an_error_is_told_without_what_was_sent() -> None:
    """The inbox and the log get Slack's word, never its whole answer."""
    assert describe(slack_error("channel_not_found")) == "SlackApiError: channel_not_found"


def test_any_error_can_be_told() -> None:
    """An error without words, one with a NUL, half a surrogate pair or a novel is a line that a database takes."""
    assert describe(ValueError()) == "ValueError"
    told = describe(ValueError("a\0b\ud800" + "x" * 10_000))
    assert "\0" not in told
    assert len(told.encode()) <= 520
