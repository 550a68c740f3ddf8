"""A Slack that gives tokens for refresh tokens, each of which is good once, and does what can go wrong with that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web
from aiohttp.test_utils import TestServer

EXPIRES_IN = 43_200


class Fault(StrEnum):
    """What happens to one call."""

    LOST = "lost"  # the token is refreshed, and the connection breaks before the answer
    NOT_TAKEN = "not taken"  # the connection breaks before anything happened
    HALF = "half"  # the token is refreshed, and half of the answer comes
    DOWN = "down"
    INTERNAL_ERROR = "internal error"
    LIMITED = "limited"
    BAD_SECRET = "bad secret"
    LAST = "last"  # a token that expires comes, without a refresh token


@dataclass
class RotatingSlack:
    """What it knows and what came.

    Args:
        valid: the refresh tokens that are good, each with its type.
        faults: of the next calls; None, and what comes after them: all is well.
    """

    url: str = ""
    valid: dict[str, str] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the refresh tokens that came
    given: int = 0  # how many tokens were made
    messages: list[tuple[str, str, str]] = field(default_factory=list)  # token, channel and text
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and token of all other calls
    answers: asyncio.Event = field(default_factory=asyncio.Event)  # clear it to keep answers back

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """Answers `oauth.v2.access`."""
        form = await request.post()
        used = str(form["refresh_token"])
        assert (form["grant_type"], request.headers["authorization"][:6]) == ("refresh_token", "Basic ")
        self.asked.append(used)
        fault = self.faults.pop(0) if self.faults else None
        answer, status, headers = self._answer(used, fault)
        await self.answers.wait()
        if fault in (Fault.LOST, Fault.NOT_TAKEN):
            assert request.transport is not None
            request.transport.abort()
        if fault is Fault.DOWN:
            return web.Response(status=503, text="upstream error")
        if fault is Fault.HALF:
            return web.Response(text='{"ok": true, "access_to', content_type="application/json")
        return web.json_response(answer, status=status, headers=headers)

    async def post_message(self, request: web.Request) -> web.StreamResponse:
        """Answers `chat.postMessage`."""
        said = await request.json()
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.messages.append((token, said["channel"], said["text"]))
        return web.json_response({"ok": True})

    async def others(self, request: web.Request) -> web.StreamResponse:
        """Answers any other method."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.calls.append((request.match_info["method"], token))
        return web.json_response({"ok": True})

    def _answer(self, used: str, fault: Fault | None) -> tuple[dict[str, object], int, dict[str, str]]:
        if fault is Fault.LIMITED:
            return {"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "120"}
        if fault is Fault.INTERNAL_ERROR:
            return {"ok": False, "error": "internal_error"}, 200, {}
        if fault is Fault.BAD_SECRET:
            return {"ok": False, "error": "bad_client_secret"}, 200, {}
        if fault in (Fault.DOWN, Fault.NOT_TAKEN):
            return {}, 503, {}
        kind = self.valid.pop(used, None)
        if kind is None:
            return {"ok": False, "error": "invalid_refresh_token"}, 200, {}
        self.given += 1
        new = f"xoxe-{self.given}-of-{used}"
        self.valid[new] = kind
        token = f"xoxe.xox{'b' if kind == 'bot' else 'p'}-{self.given}-of-{used}"
        refresh = {} if fault is Fault.LAST else {"refresh_token": new}
        more = {"token_type": kind, "expires_in": EXPIRES_IN}
        return {"ok": True, "access_token": token, **refresh, **more}, 200, {}


@asynccontextmanager
async def rotating_slack() -> AsyncIterator[RotatingSlack]:
    """It listens on a free port of loopback until the end of the test."""
    slack = RotatingSlack()
    slack.answers.set()
    application = web.Application()
    application.router.add_post("/api/oauth.v2.access", slack.refresh)
    application.router.add_post("/api/chat.postMessage", slack.post_message)
    application.router.add_post("/api/{method}", slack.others)
    server = TestServer(application)
    await server.start_server()
    slack.url = str(server.make_url("/api/"))
    try:
        yield slack
    finally:
        slack.answers.set()
        await server.close()
