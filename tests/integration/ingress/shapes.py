"""Bodies of one size: two that Slack might send, and those whose shape is meant to cost a proxy much."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.integration.ingress.payloads import Request
from tests.integration.ingress.wire import FORM, JSON

SIZE = 129_000
EVENT = b'{"type":"event_callback","event_id":"Ev1","team_id":"T1","event":{"type":"message","channel":"C1"'


def _filled(begin: bytes, unit: bytes, end: bytes = b"") -> bytes:
    return begin + unit * ((SIZE - len(begin) - len(end)) // len(unit)) + end


def _blocks() -> list[dict[str, Any]]:
    text = "The deploy of *billing* took 4 min 12 s.\nNext: <https://ci.example.com/1|build 1>"
    body = {"type": "mrkdwn", "text": text, "verbatim": False}
    section: dict[str, Any] = {"type": "section", "block_id": "b1", "text": body}
    return [section] * 600


def normal_event() -> Request:
    """A message of Block Kit."""
    inner = json.dumps(_blocks()).encode()[: SIZE - 200]
    inner = inner[: inner.rindex(b"}, {") + 1] + b"]"
    return Request("a message of Block Kit", JSON, EVENT + b',"blocks":' + inner + b"}}")


def normal_form() -> Request:
    """A click in a message of Block Kit."""
    blocks = _blocks()
    while True:
        payload = {"type": "block_actions", "message": {"blocks": blocks}, "channel": {"id": "C1"}}
        body = urlencode({"payload": json.dumps(payload)}).encode()
        if len(body) <= SIZE:
            return Request("a click in Block Kit", FORM, body)
        blocks = blocks[: len(blocks) * SIZE // len(body) - 1]


def _json(name: str, begin: bytes, unit: bytes, end: bytes = b"") -> Request:
    return Request(name, JSON, _filled(begin, unit, end))


def _form(name: str, begin: bytes, unit: bytes, end: bytes = b"") -> Request:
    return Request(name, FORM, _filled(begin, unit, end))


HOSTILE_JSON = [
    _json("brackets", EVENT + b',"x":', b"[", b""),
    _json("pairs of brackets", EVENT + b',"x":[', b"[],", b"1]}}"),
    _json("braces", b"", b'{"event":'),
    _json("objects", EVENT + b',"x":[', b"{},", b"1]}}"),
    _json("numbers", EVENT + b',"x":[', b"1,", b"1]}}"),
    _json("empty strings", EVENT + b',"x":[', b'"",', b"1]}}"),
    _json("many keys", EVENT + b",", b'"":1,', b'"x":1}}'),
    Request("many different keys", JSON, EVENT + b"," + b",".join(b'"%x":1' % n for n in range(13_000)) + b"}}"),
    _json("one name again and again", EVENT + b",", b'"channel":"C1",', b'"x":1}}'),
    _json("wanted objects", EVENT + b",", b'"item":{},', b'"x":1}}'),
    _json("escapes in text", EVENT + b',"x":"', b"\\n", b'"}}'),
    _json("escaped letters in a channel", EVENT + b',"channel":"', b"\\u0041", b'"}}'),
    _json("escaped letters in a name", EVENT + b',"', b"\\u0041", b'":1}}'),
    _json("escaped quotes", EVENT + b',"x":"', b'\\"', b'"}}'),
    _json("backslashes", EVENT + b',"x":"', b"\\\\", b'"}}'),
    _json("text without an end", EVENT + b',"x":"', b"a"),
    _json("text of quotes without an end", EVENT + b',"x":"', b'\\"'),
    _json("white space", EVENT, b" ", b"}}"),
    _json("white space behind a name", EVENT + b',"x"', b" "),
    _json("a long number", EVENT + b',"x":', b"9", b"}}"),
    _json("not UTF-8", EVENT + b',"x":"', b"\xff", b'"}}'),
    _json("beyond ASCII", EVENT + b',"x":"', "é".encode(), b'"}}'),
    _json("commas in text", EVENT + b',"x":"', b",", b'"}}'),
    _json("commas beyond ASCII", EVENT + b',"x":"', "é,".encode(), b'"}}'),
    _json("NUL", EVENT + b',"x":"', b"\0", b'"}}'),
    _json("nests of brackets", EVENT + b',"x":[', b"[" * 26 + b"]" * 26 + b",", b"1]}}"),
    _json("nests of braces", EVENT + b',"x":[', b'{"":' * 26 + b"1" + b"}" * 26 + b",", b"1]}}"),
    Request("objects at njs's bounds", JSON, EVENT + b',"x":[' + b'{"a":1,"b":1},' * 4_990 + b"1]}}"),
    Request(
        "different names at njs's bound", JSON, EVENT + b"," + b",".join(b'"%x":1' % n for n in range(9_990)) + b"}}"
    ),
    _json("numbers, then wanted objects", EVENT + b',"x":[' + b"1," * 33_000 + b"1],", b'"item":{},', b'"x":1}}'),
    _json("backslashes, then objects", EVENT + b',"x":["' + b"\\\\" * 20_000 + b'",', b"{},", b"1]}}"),
]
HOSTILE_FORMS = [
    _form("&", b"command=%2Fx&channel_id=C1", b"&"),
    _form("=", b"command=%2Fx&channel_id=C1&x", b"="),
    _form("=&", b"command=%2Fx&channel_id=C1&", b"=&"),
    _form("many fields", b"command=%2Fx&channel_id=C1&", b"a=1&"),
    _form("many channels", b"command=%2Fx&", b"channel_id=C1&"),
    _form("escapes in a name", b"command=%2Fx&channel_id=C1&", b"%41"),
    _form("escapes in text", b"command=%2Fx&channel_id=C1&text=", b"%41"),
    _form("escapes in a channel", b"command=%2Fx&channel_id=", b"%41"),
    _form("escapes with gaps in a channel", b"command=%2Fx&channel_id=", b"%41x"),
    _form("per cent in a channel", b"command=%2Fx&channel_id=", b"%"),
    _form("escapes that are no UTF-8", b"command=%2Fx&channel_id=", b"%ff"),
    _form("plus", b"command=%2Fx&channel_id=C1&text=", b"+"),
    _form("plus in a channel", b"command=%2Fx&channel_id=", b"+"),
    _form("plus in a payload", b"payload=", b"+"),
    _form("per cent in a payload", b"payload=", b"%"),
    _form("not UTF-8", b"command=%2Fx&channel_id=C1&text=", b"\xff"),
    _form("beyond ASCII", b"command=%2Fx&channel_id=C1&text=", "é".encode()),
    _form("brackets in a payload", b"payload=", b"["),
    _form("escaped brackets in a payload", b"payload=", b"%5B"),
    _form("escaped objects in a payload", b"payload=%5B", b"%7B%7D,", b"1%5D"),
    _form("a payload without an end", b"payload=%7B%22x%22%3A%22", b"%5C%22"),
    _form("plus between the brackets of a payload", b"payload=%5B", b"%5B+%5D,+", b"1%5D"),
    _form("NUL", b"command=%2Fx&channel_id=C1&text=", b"\0"),
]
