"""What an error said, as it may be stored, logged and shown to Slack's users: without secrets."""

from __future__ import annotations

from anchorbolt.bolt import slack_call, slack_error
from anchorbolt.telemetry.redact import without_secrets

# The column delivery.error, and what Slack shows of a failed workflow step.
MOST_CHARACTERS = 500
# A text is redacted as a whole, up to here: an exception may quote a request of many megabytes.
MOST_READ = 16_000
# Of a text that was cut, the end is left out: it may be a part of a secret that cannot be recognised.
CUT_OFF = 500


def describe(error: BaseException) -> str:
    """Returns a line about an error: its class and what it says, redacted, at most 500 characters.

    Of a SlackApiError it is Slack's word: the message holds the whole answer, which may quote what was sent. Of a scope
    that is missing it is also which one, and of which method.
    """
    said = _words(error) or _text(error)
    name = type(error).__name__
    return redacted(f"{name}: {said}" if said else name, MOST_CHARACTERS)


def redacted(text: str, most: int) -> str:
    """Returns the beginning of a text, at most `most` characters, redacted, in a form that every database takes."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    if len(text) > MOST_READ:
        return without_secrets(text[:MOST_READ])[:-CUT_OFF][:most]
    return without_secrets(text)[:most]


def _words(error: BaseException) -> str | None:
    """Returns what Slack said, if it is an error of Slack's."""
    word, needed = slack_error.word(error), slack_error.needed(error)
    if word is None or needed is None:
        return word
    method = slack_call.method_of(error)
    call = f"{method} needs" if method is not None else "the call needs"
    return f"{word}: {call} the scope {needed}: add it to the Slack app, and install the app again"


def _text(error: BaseException) -> str:
    """Returns what the error says. A class of an app's may raise when it is asked."""
    try:
        return str(error)
    except Exception as another:  # whatever its __str__ raises
        return f"(its text cannot be had: {type(another).__name__})"
