"""The seam for a team's tests: listeners run as in the server, and what is around them is stock Bolt's."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from anchorbolt.delivery import Attempt, Delivery, Kind, parse
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.testing import AsyncApp
from anchorbolt.testing import app as testing_app
from anchorbolt.testing.delivery_of import delivery_of
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.async_app import AsyncAck, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError, BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

SECRET = "made-up"


async def authorize(**_: Any) -> AuthorizeResult:
    """Says that every workspace has installed the app."""
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="U0", bot_id="B0", bot_token="xoxb-made-up")


def an_app(**options: Any) -> AsyncApp:
    """An app that asks nobody on the network whether a request is authorized."""
    given: dict[str, Any] = {"signing_secret": SECRET, "authorize": authorize}
    return AsyncApp(**(given | options))


def posted(kind: str, *, signed: bool = True) -> AsyncBoltRequest:
    """A sample as it comes over HTTP."""
    # Bolt's own request is empty for a command whose text holds the word payload, as that of the sample does.
    sample = make(kind, Scene(text="hello"))
    body, now = sample.body.decode(), str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body) if signed else "v0=made-up"
    return AsyncBoltRequest(
        body=body,
        headers={
            "content-type": sample.content_type,
            "x-slack-request-timestamp": now,
            "x-slack-signature": signature or "",
            "x-slack-retry-num": "1",
        },
    )


async def test_a_listener_runs_as_in_the_server() -> None:
    """A command reaches its listener with the arguments of the server, `context["delivery"]` and its headers too."""
    app, seen = an_app(), list[Any]()

    @app.command("/approval")
    async def command(ack: AsyncAck, context: AsyncBoltContext, delivery: Attempt, request: AsyncBoltRequest) -> None:
        assert context["delivery"] is delivery
        seen.append((delivery.kind, delivery.attempt, request.headers["x-slack-retry-num"]))
        await ack("fine")

    request = posted("command")
    response = await app.async_dispatch(request)
    assert (response.status, response.body) == (200, "fine")
    assert await app.finish() == []
    assert seen == [(Kind.COMMAND, 1, ["1"])]
    found = parse(request.raw_body.encode(), "application/x-www-form-urlencoded")
    assert isinstance(found, Delivery)
    assert request.context["delivery"].key == found.key


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind not in {"app_rate_limited"}])
async def test_every_kind_that_slack_sends_is_answered(kind: str) -> None:
    """What nobody listens to is Bolt's 404, and what Slack asks of the app itself is answered by Bolt's middleware."""
    app = an_app()
    control = {"url_verification": 200, "ssl_check": 200}
    assert (await app.async_dispatch(posted(kind))).status == control.get(kind, 404)


async def test_the_options_about_middleware_are_bolts() -> None:
    """A wrong signature is 401, unless the app says that it verifies none; its own authorization may refuse."""

    async def nobody(**_: Any) -> None: ...

    for options, status in (
        ({}, 401),
        ({"request_verification_enabled": False}, 404),
        ({"request_verification_enabled": False, "authorize": nobody}, 200),  # Bolt's answer with an apology
    ):
        assert (await an_app(**options).async_dispatch(posted("app_mention", signed=False))).status == status


async def test_options_that_bolt_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that Bolt does not know, or options that contradict each other, are refused as Bolt refuses them."""
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)  # Bolt would take it for a missing token
    with pytest.raises(TypeError, match="unheard_of"):
        an_app(unheard_of=True)
    with pytest.raises(BoltError):
        AsyncApp(signing_secret=SECRET, authorize=None, token=None)


async def test_the_name_is_that_of_the_file() -> None:
    """Without a name, the app has that of the file that made it, as in Bolt."""
    assert AsyncApp(signing_secret=SECRET, authorize=authorize).name == "test_app.py"
    assert an_app(name="ours").name == "ours"


@pytest.mark.parametrize("process_before_response", [False, True])
async def test_a_listener_that_raises_is_500_as_in_bolt(process_before_response: bool) -> None:
    """What a listener raises before its ack is an empty 500; `finish` returns it, and what is raised after an ack."""
    app = an_app(process_before_response=process_before_response)

    @app.command("/approval")
    async def command() -> None:
        raise LookupError

    @app.event("app_mention")
    async def mentioned() -> None:
        raise ValueError

    response = await app.async_dispatch(posted("command"))
    assert (response.status, response.body) == (500, "")
    await app.async_dispatch(posted("app_mention"))
    assert [type(error) for error in await app.finish()] == [LookupError, ValueError]


async def test_an_error_handler_may_change_the_response() -> None:
    """`@app.error` handles an error by a response that it returns, or by changing the one that it is given."""
    app = an_app()

    @app.command("/approval")
    async def command() -> None:
        raise LookupError

    @app.error
    async def changes(response: BoltResponse) -> None:
        assert response.status == 500
        response.headers["x-ours"] = ["1"]

    response = await app.async_dispatch(posted("command"))
    assert (response.status, response.headers["x-ours"]) == (500, ["1"])
    assert await app.finish() == []


async def test_without_an_ack_it_is_404_as_in_bolt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that nothing acknowledges in Slack's time is answered as Bolt answers it."""
    monkeypatch.setattr(testing_app, "ACK_SECONDS", 0.05)
    app = an_app()

    @app.command("/approval")
    async def command() -> None: ...

    response = await app.async_dispatch(posted("command"))
    assert (response.status, response.body) == (404, '{"error": "unhandled request"}')


async def test_a_function_may_have_longer_for_its_ack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that was registered with a longer `ack_timeout` is waited for when others are given up."""
    monkeypatch.setattr(testing_app, "ACK_SECONDS", 0.05)
    app, go_on = an_app(), asyncio.Event()

    @app.function("request_approval", auto_acknowledge=False, ack_timeout=10)
    async def step(ack: AsyncAck) -> None:
        await go_on.wait()
        await ack()

    @app.command("/approval")
    async def command() -> None: ...

    waiting = asyncio.create_task(app.async_dispatch(posted("function_executed")))
    assert (await app.async_dispatch(posted("command"))).status == 404
    go_on.set()
    assert (await waiting).status == 200


@pytest.mark.parametrize("before", [False, True])
async def test_process_before_response(before: bool) -> None:
    """With `process_before_response`, the answer comes when the listener has ended; without it, with the ack."""
    app, order = an_app(process_before_response=before), list[str]()

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        order.append("listener ended")

    async def lazy() -> None:
        order.append("lazy")

    app.command("/approval")(ack=acknowledge, lazy=[lazy])
    assert (await app.async_dispatch(posted("command"))).status == 200
    order.append("answered")
    assert await app.finish() == []
    assert (order.index("answered") > order.index("listener ended")) is before
    assert "lazy" in order


async def test_an_unhandled_request_may_be_an_error() -> None:
    """With `raise_error_for_unhandled_request`, what nobody listens to is asked of `@app.error`."""
    app = an_app(raise_error_for_unhandled_request=True)

    @app.error
    async def unhandled(error: Exception) -> BoltResponse:
        assert isinstance(error, BoltUnhandledRequestError)
        return BoltResponse(status=404, body="ours")

    assert (await app.async_dispatch(posted("command"))).body == "ours"


async def test_one_request_twice() -> None:
    """A request that is dispatched again runs again, and is answered by its own ack."""
    app, answers = an_app(), iter(["first", "second"])

    @app.command("/approval")
    async def command(ack: AsyncAck) -> None:
        await ack(next(answers))

    request = posted("command")
    assert [(await app.async_dispatch(request)).body for _ in range(2)] == ["first", "second"]


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if make(kind).family != "control"])
def test_a_request_is_the_delivery_that_it_would_be(kind: str) -> None:
    """In either mode of Bolt's requests, the delivery has the kind, the key and the payload that Slack's would have."""
    sample = make(kind, Scene(text="hello"))
    expected = parse(sample.body, sample.content_type)
    assert isinstance(expected, Delivery)
    over_http = AsyncBoltRequest(body=sample.body.decode(), headers={"content-type": sample.content_type})
    over_socket = AsyncBoltRequest(body=expected.payload, mode="socket_mode")
    for request in (over_http, over_socket):
        found = delivery_of(request)
        assert (found.kind, found.type, found.payload) == (expected.kind, expected.type, expected.payload)
        assert sample.key in {None, found.key}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5
)


@given(st.dictionaries(st.sampled_from(["type", "command", "event", "payload"]) | st.text(), anything))
def test_a_test_may_send_less_than_slack(body: dict[str, Any]) -> None:
    """Whatever a test sends is a delivery with a key, also where the server would refuse it."""
    request = AsyncBoltRequest(body={}, mode="socket_mode")
    request.body = body
    assert delivery_of(request).key
    request.raw_body = json.dumps(body)
    assert delivery_of(request).key
