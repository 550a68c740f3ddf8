"""A Web API on loopback that records what it is asked and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

BOT_USER = "U0APP"
ANSWERS: dict[str, dict[str, Any]] = {
    "auth.test": {"ok": True, "user_id": BOT_USER, "bot_id": "B0APP", "team_id": "T1", "bot_user_id": BOT_USER},
    "conversations.open": {"ok": True, "channel": {"id": "D-approver"}},
    "conversations.history": {"ok": True, "messages": []},
    "conversations.replies": {"ok": True, "messages": []},
}


@dataclass(frozen=True)
class Call:
    """One request that reached the Web API; `arguments` hold JSON wherever Slack takes JSON."""

    method: str
    arguments: dict[str, Any]
    token: str


@dataclass(frozen=True)
class Delivery:
    """What the runner tells a listener of its run."""

    key: str
    attempt: int = 1
    is_last: bool = False


@dataclass
class Slack:
    """The recording Web API. `answers` are by method and may be changed by a test."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(ANSWERS))

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [call.method for call in self.calls]

    def only(self, method: str) -> dict[str, Any]:
        """The arguments of the one call of this method; more or fewer of them fail the test."""
        [call] = [call for call in self.calls if call.method == method]
        return call.arguments

    async def answer(self, request: web.Request) -> web.Response:
        """Records one request and answers it. `auth.test` is Bolt's own and is not recorded."""
        method = request.match_info["method"]
        if request.content_type == "application/json":
            arguments = await request.json()
        else:
            arguments = {name: _decoded(str(value)) for name, value in (await request.post()).items()}
            arguments |= {name: _decoded(value) for name, value in request.query.items()}
        if method != "auth.test":
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            self.calls.append(Call(method, arguments, token))
        return web.json_response(self.answers.get(method, {"ok": True}))


def _decoded(value: str) -> Any:
    return json.loads(value) if value[:1] in ("{", "[") else value


@asynccontextmanager
async def serving() -> AsyncIterator[Slack]:
    """Serves a recording Web API on a free port of loopback."""
    slack = Slack()
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(application, host="127.0.0.1") as server:
        slack.url = str(server.make_url("/api/"))
        yield slack


def bolt(slack: Slack, *, to_the_end: bool = True) -> AsyncApp:
    """Bolt as it comes, against this Web API. `to_the_end`: a dispatch returns when the listener has ended."""
    return AsyncApp(
        client=AsyncWebClient(token="xoxb-test", base_url=slack.url),
        signing_secret="test",
        process_before_response=to_the_end,
        request_verification_enabled=False,
    )


async def dispatch(app: AsyncApp, body: dict[str, Any], delivery: Delivery | None = None) -> BoltResponse:
    """Hands Bolt one request, as the runner hands it a stored delivery."""
    context = {} if delivery is None else {"delivery": delivery}
    return await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode", context=context))
