"""What is stored and shown of an error: its text, without secrets."""

from __future__ import annotations

import pytest
from anchorbolt.bolt.description import MOST_CHARACTERS, describe
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

SECRETS = (
    "xoxb-12-34-abcdefgh",
    "https://hooks.slack.com/commands/T0/1/abcdefgh",
    "1234567890.123456789.abcdef0123456789",
    '{"token": "gIkuvaNzQIHg97ATvDxqgjtO"}',
)


@pytest.mark.parametrize("secret", SECRETS)
@given(before=st.integers(0, 40_000), after=st.integers(0, 600))
def test_no_secret_is_stored(secret: str, before: int, after: int) -> None:
    """Wherever a secret is in the text of an exception, also where the text is cut, no part of it is kept."""
    said = describe(ValueError(f"{'y ' * (before // 2)}{secret} {'z ' * (after // 2)}"))
    assert len(said) <= MOST_CHARACTERS
    for part in ("12-34", "abcdef", "hooks", "1234567890", "gIkuva"):
        assert part not in said


def test_what_was_said_stays() -> None:
    """The text is redacted, not removed: somebody has to mend it."""
    assert describe(KeyError("channel of xoxb-1-2")) == "KeyError: 'channel of (redacted)'"


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        (
            "chat:write",
            "missing_scope: the call needs the scope chat:write: add it to the Slack app",
        ),
        ("chat:write,chat:write.customize", "missing_scope: the call needs the scope chat:write,chat:write.customize:"),
        ("xoxb-" + 300 * "1", "missing_scope"),
        ({"a": "b"}, "missing_scope"),
        (None, "missing_scope"),
    ],
)
def test_a_scope_that_is_missing_is_named(needed: object, said: str) -> None:
    """Slack says which one would do, and so does the error of the delivery; what is no scope is left out."""
    answer = {"ok": False, "error": "missing_scope", "needed": needed, "provided": "commands"}
    error = SlackApiError("The request to the Slack API failed.", answer)  # type: ignore[no-untyped-call]
    described = describe(error)
    assert described.startswith(f"SlackApiError: {said}")
    assert ("the scope" in described) == ("the scope" in said)


def test_an_error_whose_text_raises() -> None:
    """An exception of an app's whose __str__ raises is described all the same."""

    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(OddError()) == "OddError: (its text cannot be had: RuntimeError)"
