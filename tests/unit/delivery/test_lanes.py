"""The lane of a delivery: what a user sees in an order runs in that order, and nothing else waits for anything."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from anchorbolt.delivery import Delivery, Kind, lanes, parse
from anchorbolt.delivery.delivery import JSON
from anchorbolt.delivery.urgent import URGENT_EVENTS, is_urgent
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.delivery.lane_table import EVENTS, SHAPES, TABLE, Event, about, events, renamed

CASES = Path(__file__).parents[2] / "support" / "cases"


def lane(event: Any, key: str = "A1:Ev1", **outer: Any) -> str:
    """The lane of an event, alone of its workspace unless another is named."""
    return lanes.lane(Kind.EVENT, event["type"], key, {"team_id": "T1", **outer, "event": event})


def message(**more: Any) -> Event:
    """A message in a channel."""
    return {"type": "message", "channel": "C1", "user": "U1", **more}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events(), events())
def test_two_events_share_a_lane_only_where_the_table_says_so(one: tuple[Event, str], other: tuple[Event, str]) -> None:
    """For any two events of any workspaces, the lane is the same exactly where both are about the same thing."""
    names = [lane(event, key, team_id=workspace) for (event, workspace), key in ((one, "A1:Ev1"), (other, "A1:Ev2"))]
    same = about(*one) is not None and about(*one) == about(*other)
    assert (names[0] == names[1]) is same, (one, other, names)


def test_events_that_name_the_same_ids_share_a_lane_only_where_the_table_says_so() -> None:
    """The same for each two events that Slack sends, where every id is the same and every time is: nothing but what
    they are about tells them apart."""
    alike = [renamed(event, ["Z1"], ["1.1"], Random(0)) for event in EVENTS]
    names = [lane(event, f"A1:Ev{n}") for n, event in enumerate(alike)]
    shared = 0
    for n, event in enumerate(alike):
        for m, other in enumerate(alike[:n]):
            same = about(event, "T1") is not None and about(event, "T1") == about(other, "T1")
            assert (names[n] == names[m]) is same, (event, other)
            shared += same
    assert shared > 100


def test_the_table_knows_every_event_of_the_corpus() -> None:
    """No payload is left out because nobody wrote down what it is about."""
    assert {event["type"] for event in EVENTS} <= TABLE.keys()


@pytest.mark.parametrize("event", SHAPES, ids=lambda event: f"{event['type']} {event.get('subtype', '')}".strip())
def test_an_event_of_its_own_lane_never_meets_another(event: Event) -> None:
    """Whether an event shares its lane with others does not depend on what the others are: its name tells."""
    named = lane(event, "A1:Ev9")
    assert named.endswith("A1:Ev9") is (about(event, "T1") is None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p_app_uninstalled", "installation/T1"),
        ("p_emoji_changed", "=A1:EvEM1"),
        ("p_file_change", "file/T1/F1"),
        ("p_function_executed", "=A1:EvFX1"),
        ("p_link_shared_composer", "=A1:EvLS1"),
    ],
)
def test_unrelated_events_of_a_workspace_have_lanes_of_their_own(name: str, expected: str) -> None:
    """Workflow steps, unfurls in the composer, emoji, files: one that fails or takes long delays none of the others."""
    found = parse((CASES / f"{name}.json").read_bytes(), JSON)
    assert isinstance(found, Delivery)
    assert found.lane == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (message(ts="1.1"), "C1:1.1"),
        (message(ts="2.2", thread_ts="1.1"), "C1:1.1"),
        (message(ts="2.2", thread_ts="1.1", channel_type="im"), "C1:1.1"),
        (message(ts="2.2", channel_type="im"), "C1"),
        (message(ts="2.2", channel_type="app_home"), "C1"),
        (message(ts="3.3", subtype="message_changed", message={"ts": "1.1"}), "C1:1.1"),
        (message(ts="3.3", subtype="message_changed", message={"ts": "2.2", "thread_ts": "1.1"}), "C1:1.1"),
        (message(ts="3.3", subtype="message_changed", message={"ts": "2.2"}, channel_type="im"), "C1"),
        (message(ts="3.3", subtype="message_deleted", deleted_ts="1.1", previous_message={"ts": "1.1"}), "C1:1.1"),
        (
            message(ts="3.3", subtype="message_deleted", deleted_ts="2.2", previous_message={"thread_ts": "1.1"}),
            "C1:1.1",
        ),
        (message(ts="3.3", subtype="message_deleted", deleted_ts="1.1"), "C1:1.1"),
    ],
)
def test_a_message_its_edits_and_its_deletion_are_one_lane(event: Event, expected: str) -> None:
    """They run in the order that the user sees: by thread, and in a direct message by the channel."""
    assert lane(event) == expected


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "message_replied"])
def test_an_edit_never_goes_by_its_own_time(subtype: str) -> None:
    """The outer `ts` of a change names no message: what does not say which message it changes is alone."""
    assert lane(message(ts="3.3", subtype=subtype)) == "=A1:Ev1"


def test_the_composer_is_no_channel() -> None:
    """What is shared in a message that is still being written has a lane of its own, also in a channel."""
    for channel, source in (("COMPOSER", "composer"), ("C1", "composer"), ("COMPOSER", "conversations_history")):
        event = {"type": "link_shared", "channel": channel, "source": source, "message_ts": "1.1", "user": "U1"}
        assert lane(event) == "=A1:Ev1"
    for other in ("message", "reaction_added", "channel_archive"):
        assert lane({"type": other, "channel": "COMPOSER", "ts": "1.1", "message_ts": "1.1"}) == "=A1:Ev1"


@pytest.mark.parametrize("workspace", [None, "", 5, "T 1", "é"])
def test_an_object_without_a_workspace_is_alone(workspace: object) -> None:
    """An id counts within its workspace: where that is not known, nothing says that two are the same."""
    assert lane({"type": "file_change", "file_id": "F1"}, team_id=workspace) == "=A1:Ev1"
    assert lane({"type": "app_uninstalled"}, team_id=workspace) == "=A1:Ev1"


def test_an_object_of_an_organization() -> None:
    """Where Slack names no workspace, the organization is the one in which the id counts."""
    assert lane({"type": "user_change", "user": {"id": "U1"}}, team_id=None, enterprise_id="E1") == "user/E1/U1"


@pytest.mark.parametrize("of", ["app_uninstalled", "tokens_revoked", "scope_granted"])
def test_events_about_an_org_wide_installation_share_its_lane(of: str) -> None:
    """Whatever workspace Slack names; those about a workspace's own installation have another one."""
    org_wide = [{"enterprise_id": "E1", "team_id": "T1", "is_enterprise_install": True}]
    for team_id in ("T1", "T2", None):
        assert lane({"type": of}, team_id=team_id, enterprise_id="E1", authorizations=org_wide) == "installation/E1"
    own = [{"enterprise_id": "E1", "team_id": "T1", "is_enterprise_install": False}]
    for authorizations in (own, [], None, ["E1"], {"0": "E1"}):
        assert lane({"type": of}, enterprise_id="E1", authorizations=authorizations) == "installation/T1"


def test_urgent_events_have_lanes_of_their_own() -> None:
    """A click on stop waits for nothing, not for the run in its thread either; and its lane's name says that."""
    assert {"agent_session_stopped"} == URGENT_EVENTS
    stopped = {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "1.1", "user": "U1"}
    names = {lane(stopped, key) for key in ("A1:Ev1", "A1:Ev2")}
    assert names == {"!A1:Ev1", "!A1:Ev2"}
    assert all(map(is_urgent, names))
    assert lane(message(ts="2.2", thread_ts="1.1")) not in names


@pytest.mark.parametrize("kind", [Kind.COMMAND, Kind.ACTION, Kind.SHORTCUT, Kind.VIEW])
def test_what_a_user_waits_for_has_a_lane_of_its_own(kind: Kind) -> None:
    """A command or a click never queues behind anything, whatever it is called."""
    for type_ in ("/deploy", "message", "agent_session_stopped"):
        assert lanes.lane(kind, type_, "command:1.2.a", {"event": message(ts="1.1")}) == "=command:1.2.a"


ANY = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["C1", "1.1", "!", "=", "/"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["id", "ts", "channel"]), inner)
    ),
    max_leaves=4,
)
FIELDS = [
    *("channel", "ts", "thread_ts", "subtype", "channel_type", "message", "item", "user", "file", "file_id", "source"),
    *("subteam", "assistant_thread", "message_ts", "deleted_ts", "previous_message"),
]


@settings(max_examples=500, deadline=None)
@example("message", {"subtype": ["message_changed"], "channel_type": {}, "channel": "C1", "ts": "1.1"}, "T1")
@given(
    st.one_of(st.sampled_from([*TABLE, *lanes.ABOUT_A_MESSAGE, *lanes.BY_TYPE, *lanes.BY_FIRST_WORD]), st.text()),
    st.dictionaries(st.sampled_from(FIELDS), ANY),
    ANY,
)
def test_every_event_has_a_lane(type_: str, fields: dict[str, Any], workspace: object) -> None:
    """Whatever is in an event, it has the name of a lane; and only urgent events have an urgent one."""
    named = lane({**fields, "type": type_}, team_id=workspace)
    assert named
    assert is_urgent(named) is (type_ in URGENT_EVENTS)
    assert json.dumps(named).isascii()
    assert named == "=A1:Ev1" or not named.startswith("=")
