"""The headers of a request: a few are stored with it, and are there again when it runs from the inbox."""

from __future__ import annotations

import pytest
from anchorbolt.delivery import Delivery, headers, parse, restore
from anchorbolt.emulator.samples import make

SENT = {
    "content-type": "application/json; charset=utf-8",
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "x-slack-retry-num": "1",
    "x-slack-retry-reason": "http_timeout",
    "x-slack-signature": "v0=made-up",
    "x-slack-request-timestamp": "1",
    "authorization": "made-up",
}


def test_what_is_kept_of_the_headers() -> None:
    """Of all headers, those about retries, the user agent and the content type are kept, and nothing secret."""
    text = headers.written(headers.kept({name.encode(): value.encode() for name, value in SENT.items()}))
    assert headers.restored(text) == {name: SENT[name] for name in headers.KEPT}
    assert text is not None
    assert "made-up" not in text
    assert headers.kept({b"host": b"x"}) == {}
    assert headers.written({}) is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", "1", '{"x-slack-retry-num": 1}'])
def test_what_was_not_written_by_us_is_no_headers(text: str | None) -> None:
    """A row without headers, or with something else in their place, is a delivery without headers."""
    assert headers.restored(text) == {}


def test_a_delivery_is_restored_with_its_headers() -> None:
    """A stored delivery has the headers again that were kept of it; one without has none."""
    sample = make("app_mention")
    found = parse(sample.body, sample.content_type)
    assert isinstance(found, Delivery)
    assert found.headers == {}
    again = restore(found.body, found.content_type, found.key, headers.written(SENT))
    assert again.headers["x-slack-retry-num"] == "1"
    assert restore(found.body, found.content_type, found.key).headers == {}
