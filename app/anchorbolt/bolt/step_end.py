"""Notes when Slack has accepted how a workflow step ended: that is final, whatever its listener does afterwards."""

from __future__ import annotations

from typing import Any

from anchorbolt.bolt.index import DISPATCHED
from anchorbolt.bolt.run import RUN

# What a listener's `complete()` and `fail()` call.
METHODS = frozenset({"functions.completeSuccess", "functions.completeError"})


def note(arguments: dict[str, Any]) -> None:
    """Called for each Web API call of one of METHODS that Slack has accepted, in the task that made it.

    `arguments`: those of slack_sdk's `api_call`.
    """
    if (request := DISPATCHED.get()) is None or RUN not in request.context:
        return
    given = [arguments.get(name) for name in ("params", "json", "data")]
    executions = [one.get("function_execution_id") for one in given if isinstance(one, dict)]
    if request.context.function_execution_id in executions:
        request.context[RUN].step_is_over = True
