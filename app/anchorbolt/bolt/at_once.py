"""Bolt's middleware that mostly has nothing to wait for: asked with a plain call, without coroutines and a `next`."""

from __future__ import annotations

from collections.abc import Iterable

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_function_token.async_attaching_function_token import AsyncAttachingFunctionToken
from slack_bolt.middleware.ignoring_self_events.async_ignoring_self_events import AsyncIgnoringSelfEvents
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse


class AtOnce:
    """A middleware with a way for those requests that it lets pass."""

    def passes(self, req: AsyncBoltRequest) -> bool:
        """True: all is done that its `async_process` does before `next()`. False: nothing is, and that must run."""
        raise NotImplementedError


class SelfEvents(AtOnce, AsyncIgnoringSelfEvents):
    """Bolt's, which stops what the app has done itself."""

    def passes(self, req: AsyncBoltRequest) -> bool:
        """Whether it was somebody else."""
        context, event = req.context, req.body.get("event", {})
        return not self._is_self_event(context.authorize_result, context.user_id, event.get("bot_id"), req.body)  # type: ignore[arg-type]


class FunctionToken(AtOnce, AsyncAttachingFunctionToken):
    """Bolt's, which gives the client of a workflow's step the token of that step."""

    def passes(self, req: AsyncBoltRequest) -> bool:
        """Always."""
        if (token := req.context.function_bot_access_token) is not None:
            req.context.client.token = token
        return True


def with_a_short_way(middleware: AsyncMiddleware) -> AsyncMiddleware:
    """The same object, that Bolt has just built, with its way at once."""
    if type(middleware) is AsyncIgnoringSelfEvents:
        middleware.__class__ = SelfEvents
    elif type(middleware) is AsyncAttachingFunctionToken:
        middleware.__class__ = FunctionToken
    return middleware


async def through(
    line: Iterable[AsyncMiddleware], req: AsyncBoltRequest, resp: BoltResponse | None
) -> tuple[BoltResponse | None, AsyncMiddleware | None]:
    """A request's way through middleware, one after the other. The last response, and who did not let it go on."""
    response = resp
    goes_on = False

    async def go_on() -> None:
        nonlocal goes_on
        goes_on = True

    for middleware in line:
        if isinstance(middleware, AtOnce) and middleware.passes(req):
            response = None
            continue
        goes_on = False
        response = await middleware.async_process(req=req, resp=response, next=go_on)  # type: ignore[arg-type]
        if not goes_on:
            return response, middleware
    return response, None
