"""Where a request is prepared by ours in the place of Bolt's, listeners are given what Bolt would give them."""

from __future__ import annotations

from typing import Any

from anchorbolt.bolt.authorization import Authorization
from anchorbolt.bolt.conversation_arguments import ConversationArguments
from anchorbolt.bolt.foreign import Foreign
from anchorbolt.bolt.request import Request
from anchorbolt.bolt.run import Ack
from anchorbolt.delivery import Delivery, Kind
from anchorbolt.delivery.delivery import JSON
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.middleware.attaching_conversation_kwargs.async_attaching_conversation_kwargs import (
    AsyncAttachingConversationKwargs,
)
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

TYPES = (
    *("message", "app_mention", "reaction_added", "app_home_opened", "function_executed", "assistant_thread_started"),
    *("assistant_thread_context_changed", "app_uninstalled", "team_join"),
)
ids = st.sampled_from(["T1", "E1", "C1", "U1", ""])
person = st.one_of(ids, st.fixed_dictionaries({}, optional={"id": ids, "team_id": ids}))
message = st.fixed_dictionaries({}, optional={"user": ids, "ts": st.just("1.1"), "thread_ts": st.just("1.0")})
thread = st.fixed_dictionaries(
    {"channel_id": ids, "thread_ts": st.just("1.5"), "user_id": ids},
    optional={"context": st.fixed_dictionaries({"channel_id": ids})},
)
event = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        **dict.fromkeys(("user_id", "channel_id", "team", "user_team", "bot_id", "enterprise_id"), ids),
        "user": person,
        "channel": person,
        "ts": st.just("1.2"),
        "thread_ts": st.just("1.3"),
        "subtype": st.sampled_from(["file_share", "message_changed"]),
        "channel_type": st.sampled_from(["im", "channel"]),
        "tab": st.sampled_from(["home", "messages"]),
        "item": st.fixed_dictionaries({"channel": ids, "ts": st.just("1.4")}),
        "message": message,
        "previous_message": message,
        "assistant_thread": thread,
        "function_execution_id": ids,
        "bot_access_token": st.just("xwfp-1"),
        "inputs": st.just({"a": 1}),
    },
)
authorizations = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"team_id": ids, "enterprise_id": st.one_of(st.none(), ids), "is_enterprise_install": st.booleans()},
    ),
    max_size=2,
)
command = st.fixed_dictionaries(
    {"command": st.just("/x")},
    optional={
        **dict.fromkeys(("team_id", "enterprise_id", "channel_id", "user_id"), ids),
        "is_enterprise_install": st.sampled_from(["true", "false"]),
        "response_url": st.just("https://hooks.example/3"),
        "thread_ts": st.just("1.6"),
    },
)
payloads = st.fixed_dictionaries(
    {"type": st.sampled_from(["event_callback", "block_actions", "view_submission"]), "event": event},
    optional={
        **dict.fromkeys(("team_id", "enterprise_id", "context_team_id", "context_enterprise_id"), ids),
        "authorizations": authorizations,
        "is_ext_shared_channel": st.booleans(),
        "is_enterprise_install": st.sampled_from([True, False, "true", "false"]),
        "user": st.fixed_dictionaries({"id": ids}, optional={"team_id": ids}),
        "team": st.one_of(st.none(), st.fixed_dictionaries({"id": ids}, optional={"enterprise_id": ids})),
        "enterprise": st.one_of(st.none(), st.fixed_dictionaries({"id": ids})),
        "view": st.fixed_dictionaries({}, optional={"team_id": ids, "app_installed_team_id": ids}),
        "channel": st.fixed_dictionaries({"id": ids}),
        "response_url": st.just("https://hooks.example/1"),
        "response_urls": st.just([{"response_url": "https://hooks.example/2"}]),
        "function_data": st.fixed_dictionaries({"execution_id": ids}, optional={"inputs": st.just({"b": 2})}),
    },
)
# Of the forms that are read without a look elsewhere.
plain_event = st.fixed_dictionaries(
    {
        "type": st.just("event_callback"),
        "event": st.fixed_dictionaries(
            {"type": st.sampled_from(TYPES)},
            optional={
                **dict.fromkeys(("user_id", "channel_id", "thread_ts", "ts"), ids),
                "user": st.one_of(st.none(), person),
                "channel": st.one_of(st.none(), person),
                "item": st.fixed_dictionaries({"channel": ids, "ts": st.just("1.4")}),
            },
        ),
        "authorizations": st.lists(
            st.fixed_dictionaries(
                {
                    **dict.fromkeys(("team_id", "enterprise_id"), st.one_of(st.none(), ids)),
                    "user_id": ids,
                    "is_bot": st.booleans(),
                    "is_enterprise_install": st.sampled_from([True, False, None, "true"]),
                }
            ),
            min_size=1,
            max_size=2,
        ),
    },
    optional={
        **dict.fromkeys(("team_id", "enterprise_id", "context_team_id", "context_enterprise_id"), ids),
        "is_ext_shared_channel": st.booleans(),
        "user_id": ids,
    },
)
body = st.one_of(payloads, plain_event, command)


def ours(payload: dict[str, Any]) -> Request:
    """A request as the app makes it."""
    delivery = Delivery(Kind.EVENT, "x", "key", None, "lane", JSON, "{}", payload)
    return Request(delivery, {"client": AsyncWebClient("xoxb-1"), "given": 1})


def bolts(payload: dict[str, Any]) -> AsyncBoltRequest:
    """The same, as Bolt makes it."""
    return AsyncBoltRequest(
        body=payload,
        mode="socket_mode",
        headers={"content-type": [JSON]},
        context={"client": AsyncWebClient("xoxb-1"), "given": 1},
    )


def seen(value: Any) -> Any:
    """What may be compared of what a context holds: objects by their class and their attributes."""
    if isinstance(value, AsyncWebClient):
        return value.token
    if callable(value) or hasattr(value, "__dict__"):
        of = getattr(value, "__self__", value)
        return type(of).__name__, {name: seen(inner) for name, inner in vars(of).items() if name != "payload"}
    return value


def context_of(request: AsyncBoltRequest) -> dict[str, Any]:
    """All that listeners find in it."""
    return {name: seen(value) for name, value in request.context.items()}


@given(body)
def test_a_request_is_the_one_that_bolt_makes(payload: dict[str, Any]) -> None:
    """Its context holds the same ids, whatever is in the payload; and so do its other attributes."""
    mine, stock = ours(payload), bolts(payload)
    assert context_of(mine) == context_of(stock)
    attributes = vars(stock).keys() | vars(mine).keys()
    same = attributes - {"context", "raw_body"}
    assert {name: getattr(mine, name) for name in same} == {name: getattr(stock, name) for name in same}


def test_a_request_has_the_headers_that_slack_sent() -> None:
    """Listeners find Slack's headers where Bolt has them, and none with which Bolt's adapter for AWS calls itself."""
    sent = {
        "content-type": "application/json; charset=utf-8",
        "x-slack-retry-num": "1",
        "x-slack-bolt-lazy-only": "1",
        "x-slack-bolt-lazy-function-name": "theirs",
    }
    delivery = Delivery(Kind.EVENT, "x", "key", None, "lane", JSON, "{}", {}, sent)
    mine = Request(delivery, {})
    assert mine.headers == {"content-type": ["application/json; charset=utf-8"], "x-slack-retry-num": ["1"]}
    assert (mine.lazy_only, mine.lazy_function_name, mine.content_type) == (False, None, JSON)


async def _next() -> BoltResponse:
    return BoltResponse(status=200)


@given(body)
async def test_an_event_gets_the_arguments_that_bolt_attaches(payload: dict[str, Any]) -> None:
    """`set_status`, `say_stream` and the like are there for the same events, made of the same parts."""
    found = []
    for middleware, request in (
        (ConversationArguments(), ours(payload)),
        (AsyncAttachingConversationKwargs(), bolts(payload)),
    ):
        error = None
        try:
            await middleware.async_process(req=request, resp=BoltResponse(status=200), next=_next)
        except ValueError as raised:  # Bolt's own, of an assistant's event without its thread
            error = str(raised)
        found.append((context_of(request), error))
    assert found[0] == found[1]


@given(body, st.sampled_from(["xoxb-1", "xoxp-1"]))
async def test_a_request_is_authorized_as_bolt_authorizes_it(payload: dict[str, Any], token: str) -> None:
    """The result of the authorization is the same, for a bot's token and for a user's."""
    found = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="https://slack.example/api/auth.test",
        req_args={},
        # Of no workspace, so that nothing is foreign: Bolt, with one token, looks at no workspace.
        data={"ok": True, "team_id": None, "enterprise_id": None, "bot_id": "B9", "user_id": "U9"},
        headers={"x-oauth-scopes": "chat:write, commands"},
        status_code=200,
    )
    results = []
    for authorization, request in (
        (Authorization(Foreign()), ours(payload)),
        (AsyncSingleTeamAuthorization(), bolts(payload)),
    ):
        authorization.auth_test_result = found
        request.context.client.token = token
        await authorization.async_process(req=request, resp=BoltResponse(status=200), next=_next)
        results.append((context_of(request), request.context.authorize_result, vars(request.context.authorize_result)))
    assert results[0] == results[1]


async def test_what_is_acknowledged_by_itself_is_answered_as_by_ack() -> None:
    """An event's ack leaves the response that `ack()` without arguments leaves in Bolt."""
    mine, bolts = Ack(), AsyncAck()  # type: ignore[no-untyped-call] # Bolt's own has no annotations
    mine.by_itself()
    await bolts()
    assert mine.response is not None
    assert vars(mine.response) == vars(bolts.response)
