"""Only what Slack signed in the last five minutes, with one of our secrets, is Slack's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from anchorbolt.emulator.signing import sign
from anchorbolt.errors import RefusedError
from anchorbolt.http.signature import MAX_AGE_SECONDS, Signature

NOW = 1_760_000_000
BODY = b'{"type":"event_callback"}'


def clock_at(now: float) -> Callable[[], float]:
    """A clock that stands still."""
    return lambda: now


def refusal(verifier: Signature, timestamp: str | None, signature: str | None, body: bytes = BODY) -> str | None:
    """The word of the refusal, or None where there is none; its status is always 401."""
    try:
        headers = {b"x-slack-request-timestamp": timestamp, b"x-slack-signature": signature}
        there = {name: value.encode() for name, value in headers.items() if value is not None}
        verifier.verify(body, *verifier.check_headers(there))
    except RefusedError as error:
        return error.word if error.status == 401 else str(error)
    return None


def test_the_example_of_slacks_own_documentation() -> None:
    """The signature that Slack's documentation works out by hand is accepted at its time."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    verifier = Signature([b"8f742231b10e8888abcd99yyyzzz85a5"], clock_at(1531420618))
    assert refusal(verifier, "1531420618", signature, body) is None
    assert refusal(verifier, "1531420618", signature, body + b" ") == "bad_signature"


def test_any_of_several_secrets() -> None:
    """While a secret is rotated both sign; once it is gone, it does not."""
    both, new = Signature([b"old", b"new"], clock_at(NOW)), Signature([b"new"], clock_at(NOW))
    signed_by = {secret: sign(secret, str(NOW), BODY) for secret in ("old", "new", "another")}
    assert refusal(both, str(NOW), signed_by["old"]) is None
    assert refusal(both, str(NOW), signed_by["new"]) is None
    assert refusal(both, str(NOW), signed_by["another"]) == "bad_signature"
    assert refusal(new, str(NOW), signed_by["old"]) == "bad_signature"


def test_without_secrets_nothing_is_slacks() -> None:
    """No secret matches nothing, also not the signature with an empty one."""
    assert refusal(Signature([], clock_at(NOW)), str(NOW), sign("", str(NOW), BODY)) == "bad_signature"


@pytest.mark.parametrize("apart", [MAX_AGE_SECONDS, -MAX_AGE_SECONDS, 0])
def test_five_minutes_are_fresh(apart: int) -> None:
    """A timestamp at most five minutes away, before or after our own clock, is taken."""
    stamp = str(NOW - apart)
    assert refusal(Signature([b"s"], clock_at(NOW)), stamp, sign("s", stamp, BODY)) is None


@pytest.mark.parametrize("apart", [MAX_AGE_SECONDS + 1, -MAX_AGE_SECONDS - 1, NOW])
def test_more_is_stale(apart: int) -> None:
    """A timestamp further away is refused, however well it is signed: somebody may have recorded it."""
    stamp = str(NOW - apart)
    assert refusal(Signature([b"s"], clock_at(NOW)), stamp, sign("s", stamp, BODY)) == "stale_timestamp"


@pytest.mark.parametrize("stamp", ["yesterday", "1e9", "17.5", "-5", " 1760000000", "१७६", "0x10", "1" * 20, "nan"])
def test_a_timestamp_that_is_no_integer(stamp: str) -> None:
    """What is no plain integer is refused before anything is computed."""
    assert refusal(Signature([b"s"], clock_at(NOW)), stamp, sign("s", stamp, BODY)) == "bad_timestamp"


@pytest.mark.parametrize(
    ("stamp", "signature"), [(None, "v0=x"), (str(NOW), None), (None, None), ("", ""), (str(NOW), "")]
)
def test_a_header_is_missing(stamp: str | None, signature: str | None) -> None:
    """Without both headers it is nobody's."""
    assert refusal(Signature([b"s"], clock_at(NOW)), stamp, signature) == "missing_signature"


@pytest.mark.parametrize(
    "change",
    [str.upper, lambda s: s[:-1], lambda s: s[3:], lambda s: s + "0", lambda s: "v1" + s[2:], lambda s: "é" * 67],
)
def test_a_signature_that_is_nearly_right(change: Callable[[str], str]) -> None:
    """A signature that was changed in any way is refused."""
    signature = change(sign("s", str(NOW), BODY))
    assert refusal(Signature([b"s"], clock_at(NOW)), str(NOW), signature) == "bad_signature"
