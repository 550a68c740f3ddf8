"""The index of listeners: fewer are asked, and the same one runs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.index import DISPATCHED, ListenerIndex
from slack_bolt.async_app import AsyncApp
from slack_bolt.listener.async_listener import AsyncListener
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

NAMES = ("message", "app_mention", "approve", "deny", "/deploy", "block_actions", "function_executed", "ops")
BLOCKS = ("block_one", "approve")
KINDS = (
    *("event_callback", "command", "block_actions", "interactive_message", "dialog_submission", "dialog_cancellation"),
    *("shortcut", "message_action", "view_submission", "view_closed", "block_suggestion", "dialog_suggestion"),
)
Register = Callable[[AsyncApp], Any]


def every_decorator(name: Any) -> list[Register]:
    """Each way in which Bolt takes a constraint, with `name` as the constraint."""
    return [
        lambda app: app.event(name),
        lambda app: app.event({"type": name}),
        lambda app: app.event({"type": name, "subtype": None}),
        lambda app: app.message(name),
        lambda app: app.function(name),
        lambda app: app.command(name),
        lambda app: app.shortcut(name),
        lambda app: app.global_shortcut(name),
        lambda app: app.message_shortcut(name),
        lambda app: app.shortcut({"type": "message_action", "callback_id": name}),
        lambda app: app.action(name),
        lambda app: app.action({"action_id": name, "block_id": "block_one"}),
        lambda app: app.action({"type": "block_actions", "action_id": name}),
        lambda app: app.action({"type": "dialog_submission", "callback_id": name}),
        lambda app: app.block_action(name),
        lambda app: app.attachment_action(name),
        lambda app: app.dialog_submission(name),
        lambda app: app.dialog_cancellation(name),
        lambda app: app.view(name),
        lambda app: app.view({"type": "view_closed", "callback_id": name}),
        lambda app: app.view_submission(name),
        lambda app: app.view_closed(name),
        lambda app: app.options(name),
        lambda app: app.options({"action_id": name}),
        lambda app: app.options({"callback_id": name}),
        lambda app: app.block_suggestion(name),
        lambda app: app.dialog_suggestion(name),
    ]


def app_with(registrations: list[Register], *, indexed: bool) -> AsyncApp:
    """A stock app with a listener for each registration; `indexed` puts the index in the place of Bolt's list."""
    app = AsyncApp(token="xoxb-unit", signing_secret="unit")
    if indexed:
        app._async_listeners = ListenerIndex()
    for register in registrations:

        async def listener() -> None:
            return None

        register(app)(listener)
    return app


async def first_match(app: AsyncApp, body: dict[str, Any]) -> int | None:
    """The position of the listener that Bolt would run, walking the listeners as its dispatch does."""
    request, response = AsyncBoltRequest(body=body, mode="socket_mode"), BoltResponse(status=200)
    everything = list(app._async_listeners)
    token = DISPATCHED.set(request)
    try:
        for listener in app._async_listeners:
            if await listener.async_matches(req=request, resp=response):
                return everything.index(listener)
    finally:
        DISPATCHED.reset(token)
    return None


def candidates(app: AsyncApp, body: dict[str, Any]) -> list[AsyncListener]:
    """Those that the index finds for a body."""
    index = app._async_listeners
    assert isinstance(index, ListenerIndex)
    return list(index.candidates(body))


def request_of_any_kind(chance: random.Random) -> dict[str, Any]:
    """A body of any kind, with names in all the places where Bolt may look, and in some where it does not."""
    name, other, third, fourth = (chance.choice(NAMES) for _ in range(4))
    kind = chance.choice(KINDS)
    if kind == "command":
        return {"command": name, "text": other, "team_id": "T1"}
    if kind == "event_callback":
        event: dict[str, Any] = {"type": name, "text": other, "channel": "C1", "callback_id": other}
        if name == "function_executed":
            event |= {"function_execution_id": "Fx1", "function": {"callback_id": third}}
        if chance.random() < 0.3:
            event["subtype"] = chance.choice(["bot_message", "message_changed", "file_share"])
        return {"type": kind, "event": event, "team_id": "T1"}
    return {
        "type": kind,
        "callback_id": name,
        "action_id": other,
        "actions": [{"action_id": third, "block_id": chance.choice(BLOCKS)}],
        "view": {"type": "modal", "callback_id": fourth},
        "team": {"id": "T1"},
    }


async def test_the_index_runs_the_listener_that_bolt_would_run() -> None:
    """For any listeners in any order and any request, the listener found is the one that stock Bolt finds."""
    chance = random.Random(8)
    every = [register for name in (*NAMES, re.compile("^a"), re.compile("o")) for register in every_decorator(name)]
    every.append(lambda app: app.action({"block_id": "block_one"}))
    found = 0
    for _ in range(25):
        registrations = chance.sample(every, 40)
        stock, indexed = (app_with(registrations, indexed=with_index) for with_index in (False, True))
        for _ in range(60):
            body = request_of_any_kind(chance)
            expected = await first_match(stock, body)
            assert await first_match(indexed, body) == expected, body
            found += expected is not None
    assert found > 300, "the requests hardly met a listener: this test would prove nothing"


@pytest.mark.parametrize("register", range(len(every_decorator("x"))))
def test_every_plain_constraint_is_indexed(register: int) -> None:
    """A listener with a plain name is no candidate of a request without that name; else matching slows with each."""
    app = app_with([every_decorator("only_this_one")[register]], indexed=True)
    assert candidates(app, {"type": "event_callback", "event": {"type": "another"}}) == []


def test_a_pattern_is_always_asked() -> None:
    """A regular expression may match anything, so that its listener is a candidate of every request."""
    app = app_with([lambda app: app.action(re.compile("^approve"))], indexed=True)
    assert len(candidates(app, {"type": "block_actions"})) == 1


def test_who_walks_over_the_index_meets_all_listeners() -> None:
    """Whoever looks at the app's listeners without a request sees every one of them, in order."""
    app = app_with([lambda app: app.event("message"), lambda app: app.command("/deploy")], indexed=True)
    assert len(list(app._async_listeners)) == 2


def test_a_listener_that_is_registered_late_is_a_candidate() -> None:
    """What was found for a name before is looked for again once there is another listener."""
    body = {"type": "event_callback", "event": {"type": "message"}}
    app = app_with([lambda app: app.event("message")], indexed=True)
    assert len(candidates(app, body)) == 1

    @app.event("message")
    async def another() -> None:
        return None

    assert [listener.ack_function for listener in candidates(app, body)][1:] == [another]
