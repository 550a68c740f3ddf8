"""The demonstration tells for each kind what the app did with it, and waits for nothing that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from anchorbolt.cli.dev import demonstration
from anchorbolt.cli.dev.demonstration import Demonstration, Ends
from anchorbolt.cli.dev.log_lines import Ended
from anchorbolt.cli.dev.show import Row
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.player import Ack, Player
from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.scene import Scene

END = Ended("", "", "anchorbolt_sample.x.y", "done", 1, 1.0)


async def rows(answer: Callable[[Ends, Calls, Sample], int]) -> dict[str, Row]:
    """The rows of a demonstration with an app that does what `answer` says and answers with its status."""
    ends, calls = Ends(), Calls()

    class App(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(answer(ends, calls, sent[-1]))

    class Remembering(Player):
        async def send(self, sample: Sample, **how: object) -> Ack:
            sent.append(sample)
            return await super().send(sample)

    sent: list[Sample] = []
    async with httpx.AsyncClient(transport=App()) as http:
        player = Remembering(http, "http://app/slack/events", "made-up")
        played = Demonstration(player, ends, calls, Scene(), "anchorbolt_sample.")
        return {row.ack.sample.kind: row async for row in played.rows()}


async def test_each_row_has_the_end_and_the_calls_of_its_own_delivery() -> None:
    """Every kind gets its own end, by key where it has one, and the calls between it and the next."""

    def answer(ends: Ends, calls: Calls, sample: Sample) -> int:
        calls.note(f"called.for.{sample.kind}", {}, 200, {"ok": True}, 0.0)
        key = sample.key or "only the app knows"
        if sample.family != "control":
            ends.tell(replace(END, key=key, kind=sample.family, listener=f"anchorbolt_sample.{sample.kind}"))
        return 200

    played = await rows(answer)
    assert list(played) == list(SAMPLES)
    for kind, row in played.items():
        assert row.calls == (f"called.for.{kind}",)
        if row.ack.sample.family == "control":
            assert (row.outcome, row.listener) == ("answered", "-")
        else:
            assert (row.outcome, row.listener) == ("done", kind)


async def test_an_end_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a delivery without an end is said to run still, and one that was not taken to be refused."""
    monkeypatch.setattr(demonstration, "END_WITHIN_SECONDS", 0.01)
    monkeypatch.setattr(demonstration, "REFUSED_END_WITHIN_SECONDS", 0.01)
    played = await rows(lambda ends, calls, sample: 503 if sample.kind == "command" else 200)
    assert played["message"].outcome == "still runs"
    assert (played["command"].outcome, played["command"].ack.status) == ("refused", 503)


async def test_an_end_goes_to_the_one_who_waits_for_its_key() -> None:
    """Two deliveries of a kind end in the other order, and each gets its own end."""
    ends, one, two = Ends(), make("message"), make("message")
    first, second = ends.expect(one), ends.expect(two)
    assert ends.tell(replace(END, key=two.key))
    assert ends.tell(replace(END, key=one.key))
    assert (first.result().key, second.result().key) == (one.key, two.key)


async def test_an_end_that_nobody_waits_for_is_left_over() -> None:
    """The end of an unknown delivery, or of one that was given up, is nobody's."""
    ends, sample = Ends(), make("message")
    assert not ends.tell(replace(END, key="A:other"))
    given_up = ends.expect(sample)
    given_up.cancel()
    await asyncio.sleep(0)
    assert not ends.tell(replace(END, key=sample.key))
