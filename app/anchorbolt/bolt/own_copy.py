"""The copy of a request that each lazy function gets, so that none sees what another one changes.

Stock Bolt makes a deep copy of the whole request, and leaves out of the context what cannot be copied. Here such a
value stays in the context, shared, and what is the same object for every listener (the logger, `ack`, `say`) is not
copied at all.
"""

from __future__ import annotations

import copy
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.bolt.run import RUN
from anchorbolt.bolt.threads.view import VIEW

# Of what Bolt itself puts into a context, these can be changed in place by a listener.
CHANGEABLE = frozenset({"authorize_result", "inputs", "matches"})
# All lazy functions are parts of one run of one delivery.
SHARED = frozenset({RUN, "delivery", *AsyncBoltContext.standard_property_names}) - CHANGEABLE


def own_copy(request: AsyncBoltRequest) -> AsyncBoltRequest:
    """A request whose body, context and client may be changed without changing those of `request`."""
    mine = copy.copy(request)
    mine.body = _json(request.body)
    mine.context = AsyncBoltContext(
        {
            name: value if name in SHARED else _value(value)
            for name, value in request.context.items()
            if name != VIEW  # the synchronous side of a request is its own
        }
    )
    client = copy.copy(request.context.client)
    client.headers = dict(client.headers)
    mine.context["client"] = client
    return mine


def _json(value: Any) -> Any:
    """A copy of parsed JSON, in a fraction of the time of copy.deepcopy."""
    try:
        return _copy_of_json(value)
    except RecursionError:  # nested deeper than anything that Slack sends
        return value


def _copy_of_json(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copy_of_json(inner) for name, inner in value.items()}
    if type(value) is list:
        return [_copy_of_json(inner) for inner in value]
    return value


def _value(value: Any) -> Any:
    """A deep copy of what a middleware put into the context; the value itself where there can be none."""
    if value is None or isinstance(value, str | int | float):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # whatever the class of the value raises: a connection or a lock cannot be copied
        return value
