"""Lazy functions: each runs with a request of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest
from anchorbolt.bolt.own_copy import own_copy
from anchorbolt.emulator.samples import make
from anchorbolt.worker.runs import Cut
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.bolt.conftest import AppWith


@pytest.mark.parametrize("kind", ["command", "app_mention"])
async def test_lazy_functions_do_not_see_each_others_changes(app_with: AppWith, kind: str) -> None:
    """What a lazy function changes in its body, its context or its client, no other one sees; nor does the listener."""
    seen: list[Any] = []
    changed, go_on = asyncio.Event(), asyncio.Event()
    lock = threading.Lock()  # cannot be copied

    async def acknowledge(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        context["list"], context["lock"] = ["from the listener"], lock
        await ack()
        if kind == "command":  # an event's lazy functions begin when its listener has ended
            await go_on.wait()
        seen.append(("listener", "changed" in body, context["list"]))

    async def changes(body: dict[str, Any], context: AsyncBoltContext, client: AsyncWebClient) -> None:
        body["changed"] = True
        (body.get("event") or body)["text"] = "changed"
        context["list"].append("from the lazy one")
        client.token = "xoxb-changed"
        changed.set()

    async def looks(body: dict[str, Any], context: AsyncBoltContext, client: AsyncWebClient) -> None:
        await changed.wait()
        text = (body.get("event") or body)["text"]
        seen.append(("lazy", "changed" in body or text == "changed", context["list"]))
        assert context["lock"] is lock
        assert client.token == "xoxb-made-up"
        go_on.set()

    def register(app: AsyncApp) -> None:
        app.command("/approval")(ack=acknowledge, lazy=[changes, looks])
        app.event("app_mention")(ack=acknowledge, lazy=[changes, looks])

    async with app_with(register) as app:
        ack = await app.player.send(make(kind))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("done", None)
    untouched = ["from the listener"]
    assert sorted(seen) == [("lazy", False, untouched), ("listener", False, untouched)]


async def test_one_lazy_function_beside_a_listener_that_goes_on(app_with: AppWith) -> None:
    """A single lazy function has a request of its own too, while the listener that acknowledged still runs."""
    changed = asyncio.Event()
    seen = []

    async def acknowledge(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await changed.wait()
        seen.append(body.get("changed"))

    async def lazy(body: dict[str, Any]) -> None:
        body["changed"] = True
        changed.set()

    def register(app: AsyncApp) -> None:
        app.command("/approval")(ack=acknowledge, lazy=[lazy])

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    assert seen == [None]


def test_a_body_that_is_nested_too_deep_is_shared() -> None:
    """A body that Python cannot walk through is no error: the copy of the request has it as it is."""
    body: dict[str, Any] = {}
    for _ in range(5_000):
        body = {"inner": body}
    request = AsyncBoltRequest(body={"event": {}}, mode="socket_mode")
    request.body = body
    assert own_copy(request).body is body


@pytest.mark.parametrize("why", ["drain", "time limit"])
async def test_what_follows_a_swallowed_cancellation_does_not_begin(app_with: AppWith, why: str) -> None:
    """A listener that was cut short and swallows that has no lazy function: nothing would end it."""
    began, ended, lazy_began = asyncio.Event(), asyncio.Event(), list[str]()

    async def swallows() -> None:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        ended.set()

    async def lazy() -> None:
        lazy_began.append("lazy")
        await asyncio.Event().wait()

    def register(app: AsyncApp) -> None:
        app.event("app_mention")(ack=swallows, lazy=[lazy])

    seconds = 1 if why == "time limit" else 30  # long enough for the listener to begin, also on a busy machine
    async with app_with(register, run_timeout_seconds=seconds, max_attempts=1) as app:
        sent = await app.player.send(make("app_mention"))
        await began.wait()
        if why == "drain":
            await app.parts.worker.hand_back(5)
        await ended.wait()
        assert await app.parts.worker.finish(5)
        row = await app.stored(sent.sample.key)
    assert row is not None
    assert (lazy_began, row.state) == ([], "live" if why == "drain" else "dead")


async def test_what_follows_an_ack_at_the_end_of_the_pod_is_for_another_one(app_with: AppWith) -> None:
    """Cut in the moment of its ack, a command's lazy function does not begin here, and the command is handed back."""
    lazy_began = list[str]()

    async def acknowledges(ack: AsyncAck) -> None:
        await ack()
        for running in app.parts.worker._runs:
            running.end(Cut.DRAINED)

    async def lazy() -> None:
        lazy_began.append("lazy")
        await asyncio.Event().wait()

    def register(bolt: AsyncApp) -> None:
        bolt.command("/approval")(ack=acknowledges, lazy=[lazy])

    async with app_with(register) as app:
        app.parts.worker.stop_taking()
        sent = await app.player.send(make("command"))
        assert await app.parts.worker.finish(5)
        row = await app.stored(sent.sample.key)
    assert row is not None
    assert (sent.status, lazy_began, row.state, row.attempts) == (200, [], "live", 0)


@pytest.mark.parametrize("has_lazy", [False, True], ids=["alone", "with a lazy function"])
async def test_a_listener_that_acknowledges_when_it_is_cut_is_cancelled_once(app_with: AppWith, has_lazy: bool) -> None:
    """A lazy function behind its ack is cut short; what the listener itself does at its end goes on."""
    began, ends = asyncio.Event(), list[str]()

    async def acknowledges_late(ack: AsyncAck) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await ack()
            for _ in range(5):
                await asyncio.sleep(0)
            ends.append("undisturbed")

    async def lazy() -> None:
        ends.append("lazy")

    def register(bolt: AsyncApp) -> None:
        bolt.command("/approval")(ack=acknowledges_late, lazy=[lazy] if has_lazy else [])

    async with app_with(register) as app:
        sending = asyncio.create_task(app.player.send(make("command")))
        await began.wait()
        for running in app.parts.worker._runs:
            running.end(Cut.DRAINED)
        assert (await sending).status == 200
        assert await app.parts.worker.finish(5)
    assert ends == ["undisturbed"]
