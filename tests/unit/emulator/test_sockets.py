"""The admin_page sends envelopes of Socket Mode for whoever asks, and tells what came of them."""

from __future__ import annotations

from asyncio import gather
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from slack_sdk.web.async_client import AsyncWebClient

ENVELOPE = {"envelope_id": "one", "type": "events_api", "payload": {"event_id": "Ev1"}, "retry_attempt": 1}


@pytest.fixture
async def admin_page(slack: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever asks."""
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as client:
        yield client


@pytest.fixture
async def socket(web: AsyncWebClient) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """An app that is connected and was greeted."""
    opened = await web.apps_connections_open(app_token="xapp-made-up")
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as connected:
        assert (await connected.receive_json())["type"] == "hello"
        yield connected


async def test_an_envelope_goes_out_whole_and_its_ack_comes_back(
    admin_page: httpx.AsyncClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    """What is posted reaches the app field by field; the answer is the payload of its ack, and the count goes up."""

    async def post() -> httpx.Response:
        return await admin_page.post("/sockets", json=ENVELOPE)

    async def acknowledge() -> Any:
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "done"}})
        return envelope

    answer, envelope = await gather(post(), acknowledge())
    assert envelope == ENVELOPE
    assert (answer.status_code, answer.json()) == (200, {"payload": {"text": "done"}})
    assert (await admin_page.get("/sockets")).json()["open"] == [{"number": 1, "sent": 1, "acked": 1}]


async def test_what_nobody_acknowledges_is_said(
    admin_page: httpx.AsyncClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    """An envelope without an ack is a 504, once Slack has waited as long as it does."""
    answer = await admin_page.post("/sockets", json=ENVELOPE, timeout=30)
    assert answer.status_code == 504


async def test_without_a_connection_nothing_is_sent(admin_page: httpx.AsyncClient) -> None:
    """Where no app is connected the answer is a 503; what is no envelope is a 400."""
    assert (await admin_page.post("/sockets", json=ENVELOPE)).status_code == 503
    assert (await admin_page.post("/sockets", json={"type": "events_api"})).status_code == 400
