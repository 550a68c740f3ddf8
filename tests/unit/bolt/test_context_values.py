"""The ids of a request are those that Bolt finds, whatever the payload."""

from __future__ import annotations

from typing import Any

from anchorbolt.bolt.context_values import build_context
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context

IDS = st.sampled_from(["T1", "E1", "U1", "C1", "", None])
OBJECT = st.fixed_dictionaries({}, optional={"id": IDS, "team_id": IDS, "enterprise_id": IDS})
MESSAGE = st.fixed_dictionaries({}, optional={"user": IDS, "thread_ts": IDS, "channel": IDS})
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "app_mention", "function_executed", "reaction_added", "file_shared"])},
    optional={
        "user": st.one_of(IDS, OBJECT.filter(bool)),
        "user_id": IDS,
        "user_team": IDS,
        "team": IDS,
        "team_id": IDS,
        "channel": st.one_of(IDS, OBJECT.filter(bool)),
        "item": MESSAGE,
        "message": MESSAGE,
        "previous_message": MESSAGE,
        "assistant_thread": st.fixed_dictionaries({}, optional={"channel_id": IDS, "thread_ts": IDS}),
        "thread_ts": IDS,
        "function_execution_id": IDS,
        "bot_access_token": IDS,
        "inputs": OBJECT,
    },
)
AUTHORIZATION = st.fixed_dictionaries(
    {}, optional={"team_id": IDS, "enterprise_id": IDS, "user_id": IDS, "is_enterprise_install": st.booleans()}
)
BODY = st.fixed_dictionaries(
    {"type": st.sampled_from(["event_callback", "block_actions"]), "event": EVENT},
    optional={
        "team_id": IDS,
        "enterprise_id": IDS,
        "context_team_id": IDS,
        "context_enterprise_id": IDS,
        "authorizations": st.lists(AUTHORIZATION, max_size=2),
        "is_ext_shared_channel": st.booleans(),
        "is_enterprise_install": st.booleans(),
        "response_url": IDS,
        "enterprise": st.one_of(IDS, OBJECT.filter(bool)),
        "team": st.one_of(IDS, OBJECT.filter(bool)),
        "view": st.fixed_dictionaries({}, optional={"app_installed_team_id": IDS, "team_id": IDS}),
        "user": st.one_of(IDS, OBJECT.filter(bool)),
        "user_id": IDS,
        "channel": st.one_of(IDS, OBJECT.filter(bool)),
        "channel_id": IDS,
        "thread_ts": IDS,
        "function_execution_id": IDS,
    },
)


@given(BODY)
def test_the_context_is_bolts(body: dict[str, Any]) -> None:
    """Each id is there with Bolt's value or not there at all, also in channels that are shared."""
    assert build_context(AsyncBoltContext(), body) == build_async_context(AsyncBoltContext(), body)
