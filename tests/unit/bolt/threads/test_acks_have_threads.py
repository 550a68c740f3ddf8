"""What Slack waits for has threads of its own: slow listeners of stored events do not make it wait."""

from __future__ import annotations

import threading
from typing import Any

from anchorbolt.bolt.threads import threads
from anchorbolt.emulator.samples import make
from slack_bolt import Ack, BoltContext

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.threads.test_sync_app import an_app, of


async def test_a_command_is_answered_while_all_threads_are_busy(app_with: AppWith, slack: Any) -> None:
    """With each of SYNC_THREADS taken, the middleware, the listener and the ack of a command run all the same."""
    app, go, began = an_app(slack), threading.Event(), []

    @app.middleware
    def first(context: BoltContext, next: Any) -> None:  # noqa: A002 - Bolt's name
        context["seen"] = threading.current_thread().name
        next()

    @app.event("team_join")
    def joined() -> None:
        began.append(1)
        go.wait(30)

    @app.command("/approval")
    def command(ack: Ack, context: BoltContext) -> None:
        ack(f"seen by {context['seen'].split()[0]}")

    async with app_with(of(app), sync_threads=3) as server:
        acks = [await server.player.send(make("team_join")) for _ in range(4)]
        await until(lambda: len(began) == 3, what="all threads are busy")
        for _ in range(3 * threads.ACK_THREADS):
            answer = await server.player.send(make("command"))
            assert (answer.status, answer.body) == (200, b"seen by listener")
        assert len(began) == 3
        go.set()
        for ack in acks:
            assert (await server.until_ended(ack.sample.key)).state == "done"
    assert len(began) == 4


async def test_what_follows_an_ack_takes_none_of_them(app_with: AppWith, slack: Any) -> None:
    """A lazy function of a command waits for one of SYNC_THREADS, as events do: acks keep their threads."""
    app, go, began, lazy = an_app(slack), threading.Event(), [], []

    @app.event("team_join")
    def joined() -> None:
        began.append(1)
        go.wait(30)

    def slow() -> None:
        lazy.append(1)

    app.command("/approval")(ack=lambda ack: ack("later"), lazy=[slow])

    async with app_with(of(app), sync_threads=1) as server:
        await server.player.send(make("team_join"))
        await until(lambda: len(began) == 1, what="the only thread is busy")
        answers = [await server.player.send(make("command")) for _ in range(2 * threads.ACK_THREADS)]
        assert {answer.body for answer in answers} == {b"later"}
        assert lazy == []
        go.set()
        for answer in answers:
            assert (await server.until_ended(answer.sample.key)).state == "done"
    assert len(lazy) == len(answers)
