"""The keys of a delivery: the same for every retry, and the conversation that the ingress hashes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from anchorbolt.delivery import Kind, keys
from anchorbolt.delivery.paths import Path
from hypothesis import given
from hypothesis import strategies as st


def placed(path: Path, value: Any) -> dict[str, Any]:
    """A payload that holds the value at the path."""
    for name in reversed(path):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both payloads; where both have an object, both of its contents, and `other` where they differ."""
    both = dict(one)
    for name, value in other.items():
        mine = both.get(name)
        both[name] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return both


def test_the_key_of_an_event_is_its_own() -> None:
    """App and event_id, whatever else a retry says."""
    payload = {"api_app_id": "A1", "event_id": "Ev1", "event_time": 1}
    assert keys.event_key(payload) == "A1:Ev1" == keys.event_key(payload | {"event_time": 2})
    assert keys.event_key({"event_id": "Ev1"}) == ":Ev1"


def test_the_key_of_an_interaction_is_its_trigger() -> None:
    """Kind and trigger_id; without one, a key that no other has: a view_closed comes with the same hash again."""
    assert keys.interaction_key(Kind.COMMAND, {"trigger_id": "1.2.a"}) == "command:1.2.a"
    assert keys.interaction_key(Kind.ACTION, {"trigger_id": "1.2.a"}) == "action:1.2.a"
    for payload in ({}, {"trigger_id": ""}, {"trigger_id": None}, {"trigger_id": 5}):
        one, other = (keys.interaction_key(Kind.VIEW, payload | {"view": {"hash": "h"}}) for _ in range(2))
        assert one != other
        assert one.startswith("view:")


@given(st.text(min_size=1))
def test_a_key_can_be_stored_and_logged(text: str) -> None:
    """Any event_id becomes a short printable key, the same each time, and another for another."""
    key = keys.event_key({"event_id": text})
    assert key == keys.event_key({"event_id": text})
    assert re.fullmatch(r"[\x21-\x7e]{1,200}", key)
    assert key != keys.event_key({"event_id": text + "x"})


@pytest.mark.parametrize(
    ("event_id", "key"),
    [
        ("x" * 300, "sha256:536e07178f30e67bd60647cafb5b06abd93f57a43d7d9c4e4ba319d2bad8bab0"),
        ("Ev\ud800", "sha256:57f0afd6a64567ef75e439594638d0ea2e6b29616499ee6aefa776eff8e03613"),
    ],
)
def test_a_key_that_is_a_hash_is_the_same_in_every_version(event_id: str, key: str) -> None:
    """Slack's retry may reach a newer version of the app than the first attempt: the key is the same there."""
    assert keys.event_key({"event_id": event_id}) == key


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (Kind.EVENT, keys.EVENT_CONVERSATION),
        (Kind.COMMAND, keys.COMMAND_CONVERSATION),
        (Kind.ACTION, keys.INTERACTIVE_CONVERSATION),
        (Kind.SHORTCUT, keys.INTERACTIVE_CONVERSATION),
        (Kind.VIEW, keys.INTERACTIVE_CONVERSATION),
        (Kind.OPTIONS, keys.INTERACTIVE_CONVERSATION),
    ],
)
def test_the_first_candidate_counts(kind: Kind, paths: tuple[Path, ...]) -> None:
    """Each place where a payload may name its conversation is looked at in its turn; empty and odd values are none."""
    for turn, path in enumerate(paths):
        assert keys.conversation(kind, placed(path, f"C{turn}")) == f"C{turn}"
        for later in paths[turn + 1 :]:
            if later[: len(path)] == path or path[: len(later)] == later:
                continue  # one place cannot be a string and an object
            both = merged(placed(later, "LATER"), placed(path, "FIRST"))
            assert keys.conversation(kind, both) == "FIRST"
            for nothing in ("", None, 5, ["C1"]):
                assert keys.conversation(kind, merged(placed(later, "LATER"), placed(path, nothing))) == "LATER"
    assert keys.conversation(kind, {}) is None


@pytest.mark.parametrize("odd", ["C 1", "C1\n", "C/1", "é", "x" * 65, "C1;drop", "=C1"])
def test_a_conversation_that_is_no_identifier(odd: str) -> None:
    """A first candidate that is no identifier is no conversation, and no later one takes its place."""
    payload = {"event": {"channel": odd, "user": "U1"}, "team_id": "T1"}
    assert keys.conversation(Kind.EVENT, payload) is None


def test_the_composer_is_no_conversation() -> None:
    """What is shared in a message that is still being written belongs to its user: else one pod had all of it."""
    event = {"type": "link_shared", "channel": "COMPOSER", "user": "U1"}
    assert keys.conversation(Kind.EVENT, {"event": event, "team_id": "T1"}) == "U1"
    assert keys.conversation(Kind.EVENT, {"event": {"channel": "COMPOSER"}, "team_id": "T1"}) == "T1"
    item = {"channel": "COMPOSER", "item": {"channel": "C1"}, "user": "U1"}
    assert keys.conversation(Kind.EVENT, {"event": item}) == "C1"
    assert keys.conversation(Kind.COMMAND, {"channel_id": "COMPOSER"}) == "COMPOSER"
