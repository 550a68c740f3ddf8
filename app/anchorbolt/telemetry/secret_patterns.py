"""Regular expressions for what gives access to something, in plain, JSON-escaped, percent-encoded and repr'd text.

Texts are often encoded more than once: a `response_url` in the JSON of a form field reads `https%3A%5C%2F%5C%2F...`.
So each separator is looked for in all its forms. https://docs.slack.dev/authentication/tokens lists the tokens.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """What to replace with what. `hints`: the pattern finds nothing in a text (in lower case) that has none of them."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


REDACTED = "(redacted)"

_ESCAPES = r"(?:\\|%(?:25)*5C)*"
_SLASH = rf"(?:{_ESCAPES}(?:/|%(?:25)*2F))"
_COLON = r"(?::|%(?:25)*3A)"
_EQUALS = r"(?:=|%(?:25)*3D)"
_QUOTE = rf"(?:{_ESCAPES}(?:[\"']|%(?:25)*2[27]))"
_BLANK = r"(?:\s|\+|\\+[nrt]|%(?:25)*(?:20|2B|09|0A|0D))"
# Not at an encoded character that ends a value: blank, quote, & , ; < > { }
_GOES_ON = r"(?!%(?:25)*(?:09|0A|0D|2[0267C]|3[BCE]|5C|7[BD]))"
_VALUE = rf"(?:{_GOES_ON}[^\s\"'\\&,;<>(){{}}\[\]|]|\\+/|%(?:25)*5C(?=%(?:25)*2F))"
_REST_OF_URL = rf"(?:{_GOES_ON}[\w.~+=:@!$*?%-]|{_SLASH})+"
_HOST = rf"(?:https?{_COLON}{_SLASH}{{2}}(?:[\w.@\[\]-]|{_COLON})+)"
_NAMES = (
    r"(?:token|secret|password|passwd|authorization|response_urls?|trigger_id|url_private(?:_download)?"
    r"|permalink_public|upload_url|x-slack-signature)"
)


def _rule(hints: str, pattern: str, replacement: str = REDACTED) -> Rule:
    return Rule(tuple(hints.split()), re.compile(pattern, re.IGNORECASE), replacement)


_KEEP_BEFORE = rf"\g<before>{REDACTED}"

RULES = (
    # Tokens of Slack. A cookie's (xoxd-) is base64, often percent-encoded.
    _rule("xox xapp xwfp", r"(?:xox[a-z]|xapp|xwfp)[-.](?=[\w%])(?:[\w+/=.-]|\\+/|%(?:25)*(?:2B|2F|3D))+"),
    # URLs that answer or post without a token: Slack's hosts, the same paths elsewhere, and the emulator's.
    _rule("hooks.slack", rf"(?:https?{_COLON}{_SLASH}{{2}})?hooks\.slack(?:-gov)?\.com{_SLASH}{_REST_OF_URL}"),
    _rule("response", rf"{_HOST}{_SLASH}response{_SLASH}{_REST_OF_URL}"),
    _rule(
        "services commands actions app workflows triggers",
        rf"(?:{_HOST}{_SLASH}|/|%(?:25)*2F)(?:services|commands|actions|app|workflows|triggers){_SLASH}(?-i:[TE][0-9A-Z]+)"
        rf"{_SLASH}{_REST_OF_URL}",
    ),
    # Headers that prove who sends.
    _rule("bearer", rf"(?P<before>bearer{_BLANK}+){_VALUE}{{8,}}", _KEEP_BEFORE),
    # "Basic Information" is the page of a Slack app that our own messages send people to.
    _rule(
        "basic",
        rf"(?P<before>basic{_BLANK}+)(?!Information\b)(?-i:(?=[a-z]*[0-9A-Z])){_VALUE}{{6,}}",
        _KEEP_BEFORE,
    ),
    _rule("v0", rf"v0{_EQUALS}[0-9a-f]{{16,}}"),
    # Fields by their names: "token": "...", token='...', token=..., and ('authorization', '...').
    _rule(
        "token secret passw authorization response_url trigger_id url_private permalink_public upload_url signature",
        rf"(?P<before>{_NAMES}(?:{_QUOTE}?{_BLANK}*(?:{_COLON}{_BLANK}*[bu]?{_QUOTE}|{_EQUALS}{_BLANK}*[bu]?{_QUOTE}?)"
        rf"|{_QUOTE}{_BLANK}*(?:,|%(?:25)*2C){_BLANK}*[bu]?{_QUOTE})(?:(?:bearer|basic){_BLANK}+)?)"
        rf"(?!none\b|null\b|true\b|false\b){_VALUE}{{4,}}",
        _KEEP_BEFORE,
    ),
    # The same in a sentence, where `token: missing` says something.
    _rule(
        "token secret passw authorization trigger_id signature",
        rf"(?P<before>{_NAMES}{_BLANK}*{_COLON}{_BLANK}*)(?-i:(?=[a-z]*[0-9A-Z])){_VALUE}{{8,}}",
        _KEEP_BEFORE,
    ),
    # The password in a URL, up to its last @.
    _rule(
        "@ %",
        rf"(?P<before>{_COLON}{_SLASH}{{2}}(?:[\w.~+!$*-]|{_GOES_ON}%(?!(?:25)*(?:3A|2F|40)))*{_COLON})"
        rf"(?:[^\s@/\"'\\<>%]+(?:%[0-9a-f]{{2}}[^\s@/\"'\\<>%]*)*(?=@)|(?:[\w.~+!$*-]|{_GOES_ON}%(?!(?:25)*2F))+(?=%(?:25)*40))",
        _KEEP_BEFORE,
    ),
)  # fmt: skip

# 123.456.abcdef. It must begin where its digits begin, so that a long number is read once.
TRIGGER_ID = re.compile(r"(?<![0-9])[0-9]{3,}\.[0-9]{3,}\.[0-9a-f]{4,}\w*", re.IGNORECASE)


_ANY_ESCAPES = rf"(?i:{_ESCAPES})"
_SOME_ESCAPES = rf"(?i:{_ESCAPES[:-1]}+)"


def of_value(value: str) -> re.Pattern[str]:
    """Returns a pattern for one known value in all encodings, also mixed ones.

    `value` is any text that is not empty. Letters, digits and `-._~` are never encoded, so they stand for themselves.
    """
    return re.compile("".join(_of_character(one) for one in value))


def _of_character(one: str) -> str:
    if one.isascii() and (one.isalnum() or one in "-._~"):
        return re.escape(one)
    raw = one.encode("utf-8", "surrogatepass")
    units = one.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    forms = [
        rf"{_ANY_ESCAPES}{re.escape(one)}",
        "".join(rf"{_SOME_ESCAPES}u(?i:{pair})" for pair in pairs),
        rf"{_SOME_ESCAPES}U(?i:{ord(one):08x})",
        "".join(rf"{_SOME_ESCAPES}x(?i:{byte:02x})" for byte in raw),
        _ANY_ESCAPES + "".join(rf"%(?:25)*(?i:{byte:02x})" for byte in raw),
    ]
    if ord(one) < 256:
        forms.append(rf"{_SOME_ESCAPES}x(?i:{ord(one):02x})")
    if one == "\\":
        forms.append(_SOME_ESCAPES)
    if one == " ":
        forms += [r"\+", r"%(?:25)*2[Bb]"]
    short = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\a": "a", "\v": "v"}.get(one)
    if short:
        forms.append(rf"{_SOME_ESCAPES}{short}")
    return f"(?:{'|'.join(forms)})"
