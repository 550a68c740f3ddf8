"""The player delivers as Slack does: signed, impatient, and again where it was not taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.signing import Forgery
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.ports import free_port

URL = "http://app/slack/events"
SECRET = "made-up"

Endpoint = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def player_for(endpoint: Endpoint, **options: float) -> AsyncIterator[Player]:
    """A player whose requests arrive at an endpoint, over ASGI."""
    app = Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        yield Player(http, URL, SECRET, **options)  # type: ignore[arg-type]  # only seconds are given


async def test_every_request_of_a_play_is_signed() -> None:
    """One request of each kind arrives, in order, with a signature that slack_sdk accepts, and its ack is told."""
    verifier = SignatureVerifier(SECRET)
    types: list[str] = []

    async def endpoint(request: Request) -> Response:
        assert verifier.is_valid_request(await request.body(), dict(request.headers))
        types.append(request.headers["content-type"])
        return Response("fine")

    async with player_for(endpoint) as player:
        acks = [ack async for ack in player.play()]
    assert [ack.sample.kind for ack in acks] == list(SAMPLES)
    assert types == [ack.sample.content_type for ack in acks]
    assert {(ack.status, ack.body, ack.ok) for ack in acks} == {(200, b"fine", True)}


async def test_a_forged_request_is_not_valid() -> None:
    """A request with a forgery arrives with headers that slack_sdk refuses."""
    verifier = SignatureVerifier(SECRET)

    async def endpoint(request: Request) -> Response:
        valid = verifier.is_valid_request(await request.body(), dict(request.headers))
        return Response(status_code=200 if valid else 401)

    async with player_for(endpoint) as player:
        for forgery in (Forgery.BAD_SIGNATURE, Forgery.STALE, Forgery.NO_SIGNATURE):
            assert (await player.send(make("command"), forgery=forgery)).status == 401


async def test_an_event_comes_again_until_it_is_taken() -> None:
    """An event that was refused twice comes a third time, each retry with its number and reason, the body the same."""
    seen: list[tuple[str | None, str | None, bytes]] = []

    async def endpoint(request: Request) -> Response:
        headers = request.headers
        seen.append((headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason"), await request.body()))
        return Response(status_code=200 if len(seen) == 3 else 503)

    sample = make("message")
    async with player_for(endpoint) as player:
        acks = await player.deliver(sample, retry_after=(0, 0, 0))
    assert [ack.status for ack in acks] == [503, 503, 200]
    assert seen == [(None, None, sample.body), ("1", "http_error", sample.body), ("2", "http_error", sample.body)]


async def test_slack_gives_up_after_three_retries() -> None:
    """An event that is never taken is sent four times."""

    async def endpoint(request: Request) -> Response:
        return Response(status_code=404)

    async with player_for(endpoint) as player:
        acks = await player.deliver(make("message"), retry_after=(0, 0, 0))
    assert [ack.retry_num for ack in acks] == [0, 1, 2, 3]
    assert not acks[-1].ok


async def test_an_app_may_ask_for_no_retry() -> None:
    """X-Slack-No-Retry on a refusal ends the delivery of that event."""

    async def endpoint(request: Request) -> Response:
        return Response(status_code=500, headers={"X-Slack-No-Retry": "1"})

    async with player_for(endpoint) as player:
        assert len(await player.deliver(make("message"), retry_after=(0,))) == 1


@pytest.mark.parametrize("kind", ["command", "block_actions", "url_verification"])
async def test_only_events_come_again(kind: str) -> None:
    """Slack does not retry a command, an interaction or control: the user sees the failure."""

    async def endpoint(request: Request) -> Response:
        return Response(status_code=503)

    async with player_for(endpoint) as player:
        assert len(await player.deliver(make(kind), retry_after=(0,))) == 1


async def test_a_slow_app_is_a_timeout() -> None:
    """An answer that does not come in time is Slack's http_timeout, and its retry says so."""
    reasons: list[str | None] = []
    never = asyncio.Event()

    async def endpoint(request: Request) -> Response:
        reasons.append(request.headers.get("x-slack-retry-reason"))
        if len(reasons) == 1:
            await never.wait()
        return Response()

    async with player_for(endpoint, wait_seconds=0.05) as player:
        first, second = await player.deliver(make("message"), retry_after=(0,))
    assert (first.status, first.failure) == (None, "http_timeout")
    assert second.ok
    assert reasons == [None, "http_timeout"]


async def test_an_app_that_is_not_there_is_a_failed_connection() -> None:
    """A port where nobody listens is Slack's connection_failed, not an exception."""
    async with client() as http:
        ack = await Player(http, f"http://127.0.0.1:{free_port()}/", SECRET).send(make("message"))
    assert (ack.status, ack.failure) == (None, "connection_failed")
