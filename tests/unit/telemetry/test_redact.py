"""No secret is left in a text, however it was encoded."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, urlencode

import pytest
from anchorbolt.settings.model import Settings
from anchorbolt.telemetry import redact
from anchorbolt.telemetry.redact import hide_settings, learn_token, without_secrets
from hypothesis import example, given
from hypothesis import strategies as st

ALNUM = string.ascii_letters + string.digits
PASSWORD = "pä\"ß'/\\\n w0rd&=+%😀"


def _slashes_escaped(text: str) -> str:
    """JSON as PHP and Slack write it."""
    return json.dumps(text).replace("/", "\\/")


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON of Slack": _slashes_escaped,
    "JSON with all characters": lambda text: json.dumps(text, ensure_ascii=False),
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda text: repr(text.encode("utf-8", "surrogatepass")),
    "percent": lambda text: quote(text, safe="", errors="surrogatepass"),
    "percent in lower case": lambda text: _lower(quote(text, safe="", errors="surrogatepass")),
    "percent but slashes": lambda text: quote(text, errors="surrogatepass"),
    "form": lambda text: quote_plus(text, errors="surrogatepass"),
}


def _lower(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _text(alphabet: str, least: int, most: int = 40) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


digits = st.integers(100, 10**13).map(str)
tokens = st.one_of(
    st.tuples(
        st.sampled_from(["xoxb-", "xoxp-", "xoxe-", "xoxc-", "xoxe.xoxp-1-", "xoxe.", "xapp-1-"]), _text(ALNUM, 8)
    ),
    st.tuples(st.just("xoxd-"), _text(ALNUM + "+/=", 8).map(lambda text: quote(f"a{text}", safe=""))),
).map("".join)
trigger_ids = st.tuples(digits, digits, _text("0123456789abcdef", 4)).map(".".join)
hooks = st.tuples(
    st.sampled_from(
        ["https://hooks.slack.com", "https://hooks.slack-gov.com", "http://127.0.0.1:3100", "https://slack.test"]
    ),
    st.sampled_from(
        ["/services/T1A/B1/", "/commands/T1A/1/", "/actions/E1A/1/", "/workflows/T1A/A1/", "/response/command/"]
    ),
    _text(ALNUM, 8),
).map("".join)
# Of these the secret is the last part; what is before it may stay.
headers = st.tuples(
    st.sampled_from(["Authorization: Bearer ", "authorization: Basic "]), _text(ALNUM, 12).map("A1{}".format)
)
urls = st.tuples(st.sampled_from(["postgresql://app:", "https://u.x:"]), _text(ALNUM + "!$*", 8), st.just("@db:5432/x"))
signatures = _text("0123456789abcdef", 64, 64)
fields = st.tuples(
    st.sampled_from(["token", "client_secret", "trigger_id", "bot_access_token", "response_url"]), _text(ALNUM, 24, 24)
)
around = st.text(max_size=30)
ways = st.lists(st.sampled_from(sorted(ENCODINGS)), max_size=2)


def encoded(text: str, names: list[str]) -> str:
    """The text, encoded in these ways one after the other."""
    for name in names:
        text = ENCODINGS[name](text)
    return text


@given(before=around, secret=st.one_of(tokens, trigger_ids, hooks), after=around, names=ways)
@example(before="\n", secret="123.456.abcdef", after="", names=["JSON"])
@example(before="\u00e4", secret="123.456.abcdef", after="", names=["JSON"])
@example(
    before="", secret="https://hooks.slack.com/services/T0/B0/abcdefgh", after="", names=["JSON of Slack", "percent"]
)
def test_what_has_a_form_of_its_own(before: str, secret: str, after: str, names: list[str]) -> None:
    """A token, a trigger_id or a URL that posts without a token is found, and none of its last part is left."""
    told = without_secrets(encoded(f"{before} {secret} {after}", names))
    kept = secret.rpartition("/")[2].rpartition("-")[2].rpartition(".")[2]
    if len(kept) >= 8 and kept not in before + after:
        assert kept not in told
    assert secret not in told


@given(before=around, parts=st.one_of(headers, urls), after=around, names=ways)
def test_headers_and_urls(before: str, parts: tuple[str, ...], after: str, names: list[str]) -> None:
    """The value of an Authorization header and the password in a URL are found."""
    if parts[1] not in before + after:
        assert parts[1] not in without_secrets(encoded(f"{before} {''.join(parts)} {after}", names))


@given(field=fields, names=ways, shape=st.sampled_from(["JSON", "repr", "keyword", "form", "headers"]))
def test_fields_by_their_names(field: tuple[str, str], names: list[str], shape: str) -> None:
    """The value of a secret field is found in JSON, in a repr, in a call's arguments and in a form."""
    name, value = field
    shaped = {
        "JSON": json.dumps({"a": 1, name: value, "b": "kept"}),
        "repr": repr({"a": 1, name: value, "b": "kept"}),
        "keyword": f"call(a=1, {name}={value!r}, b='kept')",
        "form": urlencode({"a": 1, name: value, "b": "kept"}),
        "headers": repr([(name, value), ("b", "kept")]),
    }[shape]
    told = without_secrets(encoded(shaped, names))
    assert value not in told
    assert "kept" in told


@given(signature=signatures, names=ways)
def test_signatures(signature: str, names: list[str]) -> None:
    """A request's signature would let anybody send that request again."""
    assert signature not in without_secrets(encoded(f"X-Slack-Signature: v0={signature}", names))


@pytest.fixture(scope="module")
def known() -> Iterator[None]:
    """A process that has read its settings, and a request of Slack's."""
    before = dict(redact._known.found)
    url = f"postgresql://app:{quote(PASSWORD, safe='')}@db/anchorbolt"
    hide_settings(Settings(slack_signing_secret="0f1e2d3c4b5a69788796a5b4c3d2e1f0, s3cond-one", database_url=url))
    learn_token("gIkuvaNzQIHg97ATvDxqgjtO")
    yield
    redact._known.found = before
    redact._known.learned.clear()


@pytest.mark.usefixtures("known")
@given(
    before=around,
    secret=st.sampled_from([PASSWORD, "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "s3cond-one", "gIkuvaNzQIHg97ATvDxqgjtO"]),
    after=around,
    names=ways,
)
def test_known_values(before: str, secret: str, after: str, names: list[str]) -> None:
    """The secret settings, a database's password and the verification token are found anywhere, whatever is in them."""
    written = encoded(f"{before}{secret}{after}", names)
    told = without_secrets(written)
    assert "w0rd" not in told
    assert secret not in told
    if not names:
        assert before.strip() in told or not before.isalpha()


@given(st.text())
def test_twice_is_once(text: str) -> None:
    """A redacted text is not changed when it is redacted again."""
    once = without_secrets(text)
    assert without_secrets(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "SLACK_BOT_TOKEN: missing; it is under OAuth & Permissions of your Slack app (xoxb-...)",
        "SlackApiError: invalid_auth",
        "slack-bolt 1.30.0 on 10.0.0.1:3000 at 1700000000.123456",
        'File "/srv/app/test/listeners.py", line 12, in on_message',
        "max_tokens: 4096, token=None, password: wrong",
        "https://api.slack.com/methods/chat.postMessage",
    ],
)
def test_what_says_something_stays(text: str) -> None:
    """Advice, words of Slack's, versions, addresses and paths are no secrets."""
    assert without_secrets(text) == text


def test_an_app_that_sends_many_tokens_costs_no_memory() -> None:
    """Only a few verification tokens are remembered, the newest."""
    for number in range(100):
        learn_token(f"{number:024d}")
    try:
        assert len(redact._known.learned) == redact.MOST_LEARNED
        assert f"{99:024d}" not in without_secrets(f"it is {99:024d}")
    finally:
        for token in list(redact._known.learned):
            redact._known.found.pop(token)
        redact._known.learned.clear()
