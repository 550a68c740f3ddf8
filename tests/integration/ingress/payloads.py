"""Requests as Slack sends them, and as nobody who means well would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from anchorbolt.delivery.keys import COMMAND_CONVERSATION, EVENT_CONVERSATION, INTERACTIVE_CONVERSATION
from hypothesis import strategies as st

from tests.integration.ingress.wire import FORM, JSON

CORPUS = Path(__file__).parents[3].parent / "shared" / "payloads"


@dataclass(frozen=True, slots=True)
class Request:
    """A body and its type; the name is for the reader of a failure."""

    name: str
    content_type: str
    body: bytes


def event(name: str, inner: Any, **outer: Any) -> Request:
    """An event with that inside."""
    body = {"type": "event_callback", "event_id": "Ev1", "api_app_id": "A1", "team_id": "T1", "event": inner, **outer}
    return Request(name, JSON, json.dumps(body).encode())


def written(name: str, inner: str) -> Request:
    """An event whose JSON is written by hand; `inner` follows its type."""
    return Request(name, JSON, f'{{"type":"event_callback","event_id":"Ev1","team_id":"T1",{inner}}}'.encode())


def click(name: str, **payload: Any) -> Request:
    """An interaction."""
    return Request(name, FORM, urlencode({"payload": json.dumps({"type": "block_actions", **payload})}).encode())


def command(name: str, **fields: str) -> Request:
    """A slash command."""
    return Request(name, FORM, urlencode({"command": "/deploy", **fields}).encode())


def raw_form(name: str, body: str | bytes) -> Request:
    """A form written by hand."""
    return Request(name, FORM, body if isinstance(body, bytes) else body.encode())


DECOY = 'a "channel":"C0DECOY" {"channel":{"id":"C0DECOY"}} \\ + 100 % & = café \U0001f600'

SAMPLES = [
    event("message", {"type": "message", "channel": "C1", "user": "U1", "text": DECOY, "ts": "1.1"}),
    event("thread", {"type": "message", "channel": "C1", "thread_ts": "1.0", "ts": "1.1"}),
    event("unfurl in the composer", {"type": "link_shared", "channel": "COMPOSER", "user": "U1", "source": "composer"}),
    event("unfurl in the composer of nobody", {"type": "link_shared", "channel": "COMPOSER"}),
    event("COMPOSER in another place", {"type": "x", "channel_id": "COMPOSER", "user": "U1"}),
    event("reaction", {"type": "reaction_added", "user": "U1", "item": {"type": "message", "channel": "C2"}}),
    event("channel created", {"type": "channel_created", "channel": {"id": "C3", "name": "x", "creator": "U1"}}),
    event("file shared", {"type": "file_shared", "channel_id": "C4", "user_id": "U1", "file": {"id": "F1"}}),
    event("assistant", {"type": "assistant_thread_started", "assistant_thread": {"channel_id": "D5", "user_id": "U1"}}),
    event("user by name", {"type": "user_huddle_changed", "user": "U6"}),
    event("user by object", {"type": "team_join", "user": {"id": "U7", "name": "ada"}}),
    event("user by field", {"type": "scope_granted", "user_id": "U8"}),
    event("team", {"type": "team_rename", "name": "x"}),
    event("organization", {"type": "grid_migration_finished"}, team_id=None, enterprise_id="E9"),
    event("nobody", {"type": "team_rename"}, team_id=None),
    event("composer", {"type": "link_shared", "channel": "COMPOSER", "user": "U10", "source": "composer"}),
    event("composer of nobody", {"type": "link_shared", "channel": "COMPOSER"}),
    event("a channel called composer", {"type": "message", "channel": "composer", "user": "U1"}),
    command("command in the composer", channel_id="COMPOSER", user_id="U1"),
    click("button in the composer", channel={"id": "COMPOSER"}, user={"id": "U1"}),
    event(
        "changed", {"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"channel": "C0DECOY"}}
    ),
    Request("upper case", "Application/JSON; charset=UTF-8", event("", {"type": "x", "channel": "C1"}).body),
    Request(
        "indented", JSON, json.dumps(json.loads(event("", {"type": "x", "channel": "C1"}).body), indent=1).encode()
    ),
    Request("challenge", JSON, b'{"type":"url_verification","challenge":"x","team_id":"T1"}'),
    Request(
        "rate limited", JSON, b'{"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1,"api_app_id":"A1"}'
    ),
    command("command", channel_id="C1", user_id="U1", team_id="T1", text="prod now"),
    command("command with payload in its text", text="payload=%7B&payload", channel_id="C1"),
    command("command without a channel", channel_id="", user_id="U1", team_id="T1"),
    command("command of a team", team_id="T1", text=DECOY),
    raw_form("ssl_check", "ssl_check=1&token=x&team_id=T1"),
    click("button", channel={"id": "C1"}, user={"id": "U1"}, team={"id": "T1"}, actions=[{"value": DECOY}]),
    click("button in a view", user={"id": "U1"}, team={"id": "T1"}, view={"channel": {"id": "C0DECOY"}}),
    click("button in a container", container={"channel_id": "C1"}, user={"id": "U1"}),
    click("organization", team=None, user={}, enterprise={"id": "E1"}),
    click("suggestion", channel={"id": "C1", "name": "x"}, value="a+b &%"),
]

HOSTILE = [
    written("the last channel counts", '"event":{"type":"x","channel":"C1","channel":"C2"}'),
    written("the last event counts", '"event":{"type":"x","channel":"C1"},"event":{"type":"x","user":"U2"}'),
    written("the last event counts, early", '"event":{"type":"x","user":"U2"},"event":{"type":"x","channel":"C1"}'),
    written("a channel that is taken back", '"event":{"type":"x","channel":"C1","channel":null,"user":"U1"}'),
    written("an item that is taken back", '"event":{"type":"x","item":{"channel":"C1"},"item":7,"user":"U1"}'),
    written("the type comes twice", '"event":{"type":"x","channel":"C1"},"type":"event_callback"'),
    written("escaped name", '"event":{"type":"x","ch\\u0061nnel":"C1","user":"U1"}'),
    written("escaped name of the event", '"\\u0065\\u0076ent":{"type":"x","channel":"C1"}'),
    written("escaped name that wins", '"event":{"type":"x","channel":"C1","\\u0063hannel":"C2"}'),
    written("escaped value", '"event":{"type":"x","channel":"\\u0043\\u0031"}'),
    written("escaped backslash", '"event":{"type":"x","channel":"\\\\u0043","user":"U1"}'),
    written("escaped backslash in a name", '"event":{"type":"x","ch\\\\u0061nnel":"C1","user":"U1"}'),
    written("escaped quote in a name", '"event":{"type":"x","a\\"channel":"C1","user":"U1"}'),
    written("escaped slash", '"event":{"type":"x","channel":"C\\/1","user":"U1"}'),
    written("line break in a value", '"event":{"type":"x","channel":"C1\\r\\nX-Evil: 1","user":"U1"}'),
    written("half of a pair", '"event":{"type":"x","channel":"C1","text":"\\ud83d"}'),
    written("half of a pair as channel", '"event":{"type":"x","channel":"\\ud83d","user":"U1"}'),
    written("a pair", '"event":{"type":"x","text":"\\ud83d\\ude00","channel":"C1"}'),
    written("NUL", '"event":{"type":"x","channel":"\\u0000","user":"U1"}'),
    written("huge number", f'"event":{{"type":"x","n":{"9" * 300},"channel":"C1"}}'),
    written("huge exponent", '"event":{"type":"x","n":-1.5e+308,"channel":"C1"}'),
    written("escaped composer", '"event":{"type":"x","channel":"COMPOS\\u0045R","user":"U1"}'),
    written("a composer that is taken back", '"event":{"type":"x","channel":"COMPOSER","channel":"C1","user":"U1"}'),
    written("the last channel is the composer", '"event":{"type":"x","channel":"C1","channel":"COMPOSER","user":"U1"}'),
    written("composer as an object", '"event":{"type":"x","channel":{"id":"COMPOSER"},"user":"U1"}'),
    written("composer in an item", '"event":{"type":"x","item":{"channel":"COMPOSER"},"user":"U1"}'),
    written("number as channel", '"event":{"type":"x","channel":5,"user":"U1"}'),
    written("truth as channel", '"event":{"type":"x","channel":true,"user":"U1"}'),
    written("list as channel", '"event":{"type":"x","channel":["C1"],"user":"U1"}'),
    written("object without id as channel", '"event":{"type":"x","channel":{"name":"C1"},"user":"U1"}'),
    written("deep id", '"event":{"type":"x","channel":{"id":{"id":"C1"}},"user":"U1"}'),
    written("empty channel", '"event":{"type":"x","channel":"","user":"U1"}'),
    written("blank channel", '"event":{"type":"x","channel":" ","user":"U1"}'),
    written("64 characters", f'"event":{{"type":"x","channel":"{"C" * 64}"}}'),
    written("65 characters", f'"event":{{"type":"x","channel":"{"C" * 65}","user":"U1"}}'),
    written("beyond ASCII", '"event":{"type":"x","channel":"Cé","user":"U1"}'),
    written("fullwidth", '"event":{"type":"x","channel":"\uff23\uff11","user":"U1"}'),
    written("look-alike outside", '"channel":"C0DECOY","event":{"type":"x","user":"U1"}'),
    written(
        "look-alike deeper",
        '"event":{"type":"x","message":{"channel":"C0DECOY","event":{"channel":"C0DECOY"}},"user":"U1"}',
    ),
    written(
        "look-alike in a list",
        '"event":{"type":"x","blocks":[{"channel":"C0DECOY"},[{"event":{"channel":"C0DECOY"}}]],"user":"U1"}',
    ),
    written(
        "look-alike in text", '"event":{"type":"x","text":"\\"channel\\":\\"C0DECOY\\",\\"event\\":{","user":"U1"}'
    ),
    written("look-alike as a path", '"event":{"type":"x","user":"U1"},"event.channel":"C0DECOY"'),
    written(
        "prototype", '"event":{"type":"x","__proto__":{"channel":"C0DECOY"},"constructor":{"channel":"C0"},"user":"U1"}'
    ),
    written("prototype outside", '"__proto__":{"event":{"channel":"C0DECOY"}},"event":{"type":"x","user":"U1"}'),
    written("white space", '"event"\t:\r\n { "type" : "x" , "channel"\n:\t"C1" } '),
    written("20 deep", f'"event":{{"type":"x","blocks":{"[" * 20}{"]" * 20},"channel":"C1"}}'),
    written("brackets in text", '"event":{"type":"x","blocks":["[{\\"","}]\\\\"],"channel":"C1"}'),
    click("last of two names", channel={"id": "C1"}),
    raw_form("last payload counts", "payload=%7B%7D&" + urlencode({"payload": '{"type":"x","channel":{"id":"C1"}}'})),
    raw_form(
        "payload behind a command",
        "command=%2Fx&channel_id=C2&" + urlencode({"payload": '{"type":"x","user":{"id":"U1"}}'}),
    ),
    raw_form("last channel counts", "command=%2Fx&channel_id=C1&channel_id=C2"),
    raw_form("last channel counts, empty", "command=%2Fx&channel_id=C1&channel_id=&user_id=U1"),
    raw_form("encoded name", "command=%2Fx&%63hannel%5Fid=C1&user_id=U1"),
    raw_form("encoded name of the payload", "p%61yload=" + quote_plus('{"type":"x","channel":{"id":"C1"}}')),
    raw_form("encoded value", "command=%2Fx&channel_id=%43%31"),
    raw_form("encoded twice", "command=%2Fx&channel_id=%2543%2531&user_id=U1"),
    raw_form("payload encoded twice", "payload=" + quote(quote('{"type":"x","channel":{"id":"C1"}}'))),
    raw_form(
        "percent in the payload", urlencode({"payload": '{"type":"x","t":"%22,%2B+100% %zz","channel":{"id":"C1"}}'})
    ),
    raw_form("broken percent", "command=%2Fx&text=%zz%4&channel_id=C1"),
    raw_form("plus", "command=%2Fx&channel_id=C+1&user_id=U1"),
    raw_form("equals signs", "command=%2Fx&channel_id=C1=&user_id=U1"),
    raw_form("no value", "command=%2Fx&channel_id&user_id=U1"),
    raw_form("empty fields", "&&command=%2Fx&&channel_id=C1&"),
    raw_form("200 fields", "command=%2Fx&channel_id=C1" + "&x=1" * 198),
    raw_form("200 fields, the last is empty", "command=%2Fx&channel_id=C1" + "&" * 198),
    raw_form(
        "the longest spelling of a name", "command=%2Fx&" + "".join(f"%{ord(c):02X}" for c in "channel_id") + "=C1"
    ),
    raw_form("semicolons", "command=%2Fx;channel_id=C1&user_id=U1"),
    raw_form("beyond ASCII", "command=%2Fx&text=%C3%A9%F0%9F%98%80&channel_id=C1"),
    raw_form("raw UTF-8", "command=/x&text=é&channel_id=C1"),
    raw_form("empty command", "command=&channel_id=C1"),
    raw_form("ssl_check beside a command", "ssl_check=1&command=%2Fx&channel_id=C1"),
    raw_form("ssl_check 0", "ssl_check=0&command=%2Fx&channel_id=C1"),
    Request("form as JSON", JSON, b"command=%2Fx&channel_id=C1"),
    Request("JSON as form", FORM, event("", {"type": "x", "channel": "C1"}).body),
    Request("cut short", JSON, b'{"type":"event_callback","event":{"channel":"C1"'),
    Request("nothing", JSON, b""),
    Request("a list", JSON, b'[{"type":"event_callback","event":{"channel":"C1"}}]'),
    Request("other type", "text/plain", event("", {"type": "x", "channel": "C1"}).body),
]

# njs refuses JSON that is nested deeper than 32: there the proxy finds nothing, and any pod may have it.
DEEP = written("60 deep", f'"event":{{"type":"x","blocks":{"[" * 60}{"]" * 60},"channel":"C1"}}')


def corpus() -> list[Request]:
    """The payloads beside the repository, where they are; they are no part of it."""
    found = []
    for file in sorted(CORPUS.glob("*/*.json")):
        payload, folder = json.loads(file.read_text()), file.parent.name
        name = f"{folder}/{file.stem}"
        if folder == "interactive":
            found.append(Request(name, FORM, urlencode({"payload": json.dumps(payload)}).encode()))
        elif folder == "commands" or file.stem == "ssl_check":
            found.append(Request(name, FORM, urlencode(payload).encode()))
        else:
            found.append(Request(name, JSON, json.dumps(payload).encode()))
    return found


PATHS = EVENT_CONVERSATION + COMMAND_CONVERSATION + INTERACTIVE_CONVERSATION
NAMES = st.sampled_from(
    [*sorted({name for path in PATHS for name in path}), "type", "text", 'q"', "back\\slash", "é", "__proto__"]
)
IDENTIFIERS = st.sampled_from(
    ["C1", "U2", "COMPOSER", "D_4-x", "C" * 64, "C" * 65, "", " ", "C 1", "é", "a\r\nb", 'C"', "\\", "{"]
)
SCALARS = st.one_of(IDENTIFIERS, IDENTIFIERS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False))


class Members(tuple[tuple[str, Any], ...]):
    """An object in which a name may come twice."""


def _members(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Members]:
    return st.lists(st.tuples(NAMES, values), max_size=6).map(Members)


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), _members(inner)), max_leaves=12)


def _text(value: Any, chance: Random) -> str:
    """JSON with white space and escapes wherever they may stand."""
    gap = chance.choice(["", "", "", " ", "\n\t"])
    if isinstance(value, Members):
        inner = ",".join(f"{gap}{_text(name, chance)}{gap}:{gap}{_text(item, chance)}{gap}" for name, item in value)
        return "{" + inner + gap + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap + _text(item, chance) + gap for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value).replace("Infinity", "1e999")
    plain = json.dumps(value, ensure_ascii=chance.random() < 0.5)[1:-1]
    if "\\" not in plain and chance.random() < 0.3:
        plain = "".join(f"\\u{ord(sign):04X}" if chance.random() < 0.3 else sign for sign in plain)
    return f'"{plain}"'


CHANCE = st.randoms(use_true_random=False)
# It parses source code the first time. Deep inside of a drawing, Python 3.11 may break off there with a SystemError.
CHANCE.validate()


@st.composite
def generated(draw: st.DrawFn) -> Request:
    """A request of any of the three shapes, with the names that matter in every place where they might matter."""
    shape, chance = draw(st.sampled_from(["event", "click", "command"])), draw(CHANCE)
    if shape == "command":
        fields = draw(st.lists(st.tuples(st.sampled_from(["channel_id", "user_id", "team_id", "text"]), IDENTIFIERS)))
        return Request("generated", FORM, urlencode([("command", "/x"), *fields]).encode())
    payload = draw(_members(VALUES))
    if shape == "click":
        payload = Members((*payload, ("type", "block_actions")))
        return Request("generated", FORM, urlencode({"payload": _text(payload, chance)}).encode())
    event = Members((*draw(_members(VALUES)), ("type", "message")))
    outer = Members((*payload, ("event", event), ("type", "event_callback"), ("event_id", "Ev1")))
    return Request("generated", JSON, _text(outer, chance).encode())
