"""What follows from how a run ended: done, again after a while, or a dead letter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from anchorbolt.bolt.slack_words import PERMANENT, TRANSIENT
from anchorbolt.errors import NotAuthorizedError, RunTimeoutError
from anchorbolt.inbox.lease import End
from anchorbolt.settings.choices import AttemptPolicy
from anchorbolt.telemetry import metrics
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
    [(0.0, [0.75, 1.5, 3, 6, 12, 24, 45]), (1.0, [1, 2, 4, 8, 16, 32, 60])],
)
def test_backoff_doubles_up_to_its_cap(chance: float, expected: list[float]) -> None:
    """Each wait is twice the one before, at most the cap, less up to a quarter by chance: not all come back at once."""
    error = ConnectionResetError("x")
    delays = [judge(error, attempt, LIMITS, lambda: chance).delay_seconds for attempt in range(1, 8)]
    assert delays == expected


def test_the_last_attempt_is_followed_by_none() -> None:
    """MAX_ATTEMPTS is how often it is tried: the eighth failure is a dead letter with its error."""
    assert judge(ConnectionResetError("x"), 7, LIMITS).end is End.RETRY
    verdict = judge(ConnectionResetError("x"), 8, LIMITS)
    assert (verdict.end, verdict.error, verdict.reason) == (End.DEAD, "ConnectionResetError: x", "transient")


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


@pytest.mark.parametrize(
    "word",
    ["invalid_auth", "channel_not_found", "expired_trigger_id", "cannot_unfurl_url", "message_not_in_streaming_state"],
)
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


def test_a_word_that_nobody_knows_is_permanent_and_counted() -> None:
    """A word of Slack's that is in neither list is a dead letter at once, and counted by that word."""
    before = metrics.unknown_words.value("brand_new_word")
    assert judge(slack_error("brand_new_word"), 1, LIMITS).end is End.DEAD
    assert metrics.unknown_words.value("brand_new_word") == before + 1
    assert judge(slack_error("channel_not_found"), 1, LIMITS).end is End.DEAD
    assert metrics.unknown_words.value("channel_not_found") == 0


def test_a_word_is_in_one_list_only() -> None:
    """No word of Slack's is both transient and permanent."""
    assert not PERMANENT & TRANSIENT


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(KeyError("a bug"), 1), (NotAuthorizedError("x"), 8), (RunTimeoutError("x"), 2), (ConnectionResetError(), 8)],
)
def test_how_many_attempts_an_error_has(error: Exception, attempts: int) -> None:
    """A bug has one attempt, a time limit two, what is transient MAX_ATTEMPTS."""
    ends = [judge(error, attempt, LIMITS).end for attempt in range(1, attempts + 1)]
    assert ends == [End.RETRY] * (attempts - 1) + [End.DEAD]


@pytest.mark.parametrize("error", [KeyError("x"), ConnectionResetError(), RunTimeoutError("x"), slack_error("no_text")])
def test_the_policy_may_be_all_or_none(error: Exception) -> None:
    """ATTEMPT_POLICY=all has MAX_ATTEMPTS after whatever error, and none has no other attempt after any."""
    everything = replace(LIMITS, attempt_policy=AttemptPolicy.ALL)
    assert [judge(error, n, everything).end for n in (1, 7, 8)] == [End.RETRY, End.RETRY, End.DEAD]
    assert judge(error, 1, replace(LIMITS, attempt_policy=AttemptPolicy.NONE)).end is End.DEAD


def test_names_may_be_added() -> None:
    """ATTEMPT_ON makes a class and its subclasses transient, and a word of Slack's."""
    limits = replace(LIMITS, attempt_on=frozenset({"builtins.LookupError", "brand_new_word"}))
    assert judge(KeyError("x"), 1, limits).end is End.RETRY
    assert judge(slack_error("brand_new_word"), 1, limits).end is End.RETRY
    assert judge(ValueError("x"), 1, limits).end is End.DEAD


def test_after_a_final_outcome_there_is_no_attempt() -> None:
    """Where Slack was told already how a workflow step ended, even a transient error is followed by no attempt."""
    assert judge(ConnectionResetError(), 1, LIMITS, is_final=True).end is End.DEAD


def test_an_error_is_told_without_what_was_sent() -> None:
    """The inbox and the log get Slack's word, never its whole answer."""
    assert describe(slack_error("channel_not_found")) == "SlackApiError: channel_not_found"


def test_any_error_can_be_told() -> None:
    """An error without words, one with a NUL, half a surrogate pair or a novel is a line that a database takes."""
    assert describe(ValueError()) == "ValueError"
    told = describe(ValueError("a\0b\ud800" + "x" * 10_000))
    assert "\0" not in told
    assert len(told.encode()) <= 520
