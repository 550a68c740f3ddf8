"""A request's way through middleware and listeners in our app is that of stock Bolt, seen from what it meets."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from anchorbolt import testing
from anchorbolt.bolt import without_body
from slack_bolt.async_app import AsyncApp
from slack_bolt.error import BoltError
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

BEHAVIOURS = ("goes on", "goes on by its other name", "goes on and answers", "answers", "stops", "raises")
WEIGHTS = (9, 3, 1, 1, 1, 1)
Told = list[Any]
PATTERN: Any = re.compile("[dh](.)")


def app_of(plan: random.Random, told: Told, *, ours: bool) -> AsyncApp:
    """An app as the plan has it; what is called tells so, with what it was given."""
    before = middleware(plan, told, "before authorization") if plan.random() < 0.2 else None
    app = (testing.AsyncApp if ours else AsyncApp)(
        token="xoxb-unit",
        signing_secret="unit",
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        raise_error_for_unhandled_request=False,
        before_authorize=before,
    )
    for one in app._async_middleware_list:
        if isinstance(one, AsyncSingleTeamAuthorization):
            one.auth_test_result = authorized()
    for n in range(plan.randrange(4)):
        app.use(middleware(plan, told, f"global {n}"))
    for n in range(plan.randrange(1, 6)):
        register(app, plan, told, f"listener {n}")
    if plan.random() < 0.5:

        @app.error
        async def on_error(error: Exception, body: dict[str, Any]) -> BoltResponse:
            told.append(("error", type(error).__name__, body))
            return BoltResponse(status=200, body="mended")

    return app


def middleware(plan: random.Random, told: Told, name: str) -> Callable[..., Awaitable[Any]]:
    """One that does something of what a middleware may do."""
    (does,) = plan.choices(BEHAVIOURS, WEIGHTS)

    async def one(context: Any, resp: Any, next: Any, next_: Any) -> BoltResponse | None:  # noqa: A002 - Bolt's name
        told.append((name, does, resp and (resp.status, resp.body), names(context)))
        if does == "raises":
            raise LookupError(name)
        if does == "goes on by its other name":
            await next_()
        elif does.startswith("goes on"):
            context[name] = True
            await next()
        return BoltResponse(status=201, body=name) if does.endswith("answers") else None

    return one


def register(app: AsyncApp, plan: random.Random, told: Told, name: str) -> None:
    """A listener with a constraint, and perhaps with a matcher and middleware of its own."""
    says = plan.random() < 0.7
    of: Any = plan.choice(["message", "app_mention", re.compile("m"), {"type": "message", "subtype": None}])
    more: dict[str, Any] = {"middleware": [middleware(plan, told, f"{name}'s {n}") for n in range(plan.randrange(3))]}
    if plan.random() < 0.4:

        async def matcher(body: dict[str, Any]) -> bool:
            told.append((name, "is asked", body))
            return says

        more["matchers"] = [matcher]

    async def listener(context: Any, client: Any, say: Any, response: Any, event: Any) -> None:
        told.append((name, names(context), client.token, say.channel, response and response.status, event))

    async def command(ack: Any, command: Any, context: Any) -> None:
        told.append((name, command, names(context)))
        await ack(name)

    if plan.random() < 0.3:
        app.command(plan.choice(["/deploy", "/other", PATTERN]), **more)(command)
    elif plan.random() < 0.2:
        app.message(plan.choice(["hello", "", PATTERN]), **more)(listener)
    else:
        app.event(of, **more)(listener)


def names(context: dict[str, Any]) -> list[str]:
    """What a context holds in both. Ours has `ack` from the start, and some of Bolt's only when asked for."""
    return sorted(context.keys() - {"ack", "anchorbolt_run", "delivery", "say", "respond", "complete", "fail"})


def authorized() -> AsyncSlackResponse:
    """What auth.test says of the token."""
    return AsyncSlackResponse(
        client=AsyncWebClient(),
        http_verb="POST",
        api_url="https://slack.example/api/auth.test",
        req_args={},
        data={"ok": True, "team_id": "T1", "bot_id": "B1", "user_id": "U0"},
        headers={},
        status_code=200,
    )


def a_body(plan: random.Random) -> dict[str, Any]:
    """An event or a command; some events are the app's own, and some a workflow's step."""
    if plan.random() < 0.3:
        return {"command": plan.choice(["/deploy", "/other", "/none"]), "channel_id": "C1", "user_id": "U1"}
    event = {
        "type": plan.choice(["message", "app_mention", "reaction_added", "member_joined_channel", "app_uninstalled"]),
        "user": plan.choice(["U1", "U1", "U1", "U0"]),
        "channel": "C1",
        "ts": "1.1",
        "text": plan.choice(["hello", "other"]),
    }
    if plan.random() < 0.2:
        event |= {"function_execution_id": "Fx1", "bot_access_token": "xwfp-1", "bot_id": plan.choice(["B1", "B2"])}
    if plan.random() < 0.2:
        event["channel_type"] = "im"
    return {"type": "event_callback", "event": event, "team_id": "T1"}


async def came_of(app: AsyncApp, body: dict[str, Any]) -> Any:
    """What is answered, once its listener has run too."""
    answer = await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return answer.status, answer.body, answer.headers


@pytest.mark.parametrize("seed", range(150))
async def test_a_request_meets_what_it_would_meet_in_bolt(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Middleware, matchers and listeners are called in Bolt's order with what Bolt gives them; so is what is answered,
    and what is warned of, also where one stops, answers or raises."""
    seen: list[Any] = []
    for ours in (False, True):
        plan, told, answers = random.Random(seed), Told(), Told()
        app = app_of(plan, told, ours=ours)
        caplog.clear()
        for _ in range(8):
            answers.append(await came_of(app, a_body(plan)))
        warnings = [record.getMessage() for record in caplog.records if record.name.startswith("slack_bolt")]
        # The body is cut off once our app was made in this process: both have one logger.
        warnings = [line.partition(without_body.BEFORE_CONTENT[0])[0] for line in warnings]
        # Ours is in our own log, with the place and without the message.
        warnings = [line for line in warnings if not line.startswith("Failed to run a middleware function")]
        seen.append((told, answers, warnings))
    assert seen[0] == seen[1]


def test_a_synchronous_listener_is_taken_as_in_the_server() -> None:
    """Our app runs in a thread what is no coroutine function, and Bolt's refuses it."""
    app_of(random.Random(0), [], ours=True).event("message")(lambda: None)
    with pytest.raises(BoltError):
        app_of(random.Random(0), [], ours=False).event("message")(lambda: None)


async def test_who_debugs_reads_of_each_middleware_as_in_stock_bolt(caplog: pytest.LogCaptureFixture) -> None:
    """At the level DEBUG our app tells of the same middleware, in the same words and order."""
    caplog.set_level(logging.DEBUG)
    told = []
    for ours in (False, True):
        app = app_of(random.Random(0), [], ours=ours)
        caplog.clear()
        await came_of(app, a_body(random.Random(0)))
        told.append([line for record in caplog.records if (line := record.getMessage()).startswith("Applying ")])
    assert told[0]
    assert told[0] == told[1]
