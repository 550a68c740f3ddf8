"""Finds calls that a listener made without `await`: such a call does nothing, and the run must not be called done.

Python tells of a coroutine that is thrown away before it has begun, through `warnings._warn_unawaited_coroutine`. So
calls that are awaited cost nothing here, and one that was put into a task, gathered later, cancelled or closed is never
told of (docs/decisions/0074).
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Coroutine
from types import CodeType, FrameType
from typing import Any

from anchorbolt.bolt.index import DISPATCHED
from anchorbolt.bolt.run import RUN
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.errors import NotAwaitedError
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

# The packages whose coroutines a listener is given. What else was not awaited is left to Python's own warning.
GIVEN = ("slack_bolt.", "slack_sdk.", "anchorbolt.bolt.")
# Their frames, and those of what runs them, are not the place where `await` is missing.
NOT_THE_TEAMS = frozenset({"slack_bolt", "slack_sdk", "asyncio", "contextlib", "functools", "uvloop", "warnings"})
_python_tells = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined] # checked by test_hooks.py


def watch() -> None:
    """Begins to look, in this process. Calling it again changes nothing."""
    warnings._warn_unawaited_coroutine = _thrown_away  # type: ignore[attr-defined]


def _thrown_away(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Python's own hook: `coroutine` is about to be deleted, and nobody has awaited it."""
    frame = coroutine.cr_frame  # type: ignore[attr-defined]
    if frame is None or not _module(frame).startswith(GIVEN):
        _python_tells(coroutine)
        return
    call = _name(coroutine.cr_code)  # type: ignore[attr-defined]
    place = _place(inspect.currentframe())
    log.warning("a call was not awaited, so it did nothing", call=call, place=place)
    if (calls := _calls_of(frame.f_locals.get("self"))) is not None:
        calls.note_not_awaited(NotAwaitedError(call, place))


def _calls_of(called: object) -> Calls | None:
    """Returns the calls of its run. The object that was called knows them; else it is the run of this task."""
    for owner in (called, getattr(called, "client", None), getattr(called, "_client", None)):
        calls = getattr(owner, "calls", None)
        if isinstance(calls, Calls):
            return calls
    request = DISPATCHED.get()
    return None if request is None else request.context[RUN].calls


def _name(code: CodeType) -> str:
    """Returns how a listener writes the call: `say()` for AsyncSay.__call__, `client.chat_postMessage()`."""
    owner, _, method = code.co_qualname.rpartition(".")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", owner.removeprefix("Async")).lower()
    if method == "__call__":
        return f"{name}()"
    if owner.endswith("Client"):
        name = "client"
    return f"{name}.{method}()" if name and "<locals>" not in owner else f"{method}()"


def _place(frame: FrameType | None) -> str:
    """Returns file and line of the statement that threw the call away.

    A call that was kept in a variable is thrown away when its function has returned. Then it is the line from which
    that function was called, and for the listener itself the line where it begins.
    """
    while frame is not None:
        package = _module(frame).partition(".")[0]
        if package == "anchorbolt":
            listener = frame.f_locals.get("function") or getattr(frame.f_locals.get("listener"), "ack_function", None)
            code = getattr(inspect.unwrap(listener), "__code__", None) if callable(listener) else None
            if isinstance(code, CodeType):
                return f"{code.co_filename}:{code.co_firstlineno}"
        elif package not in NOT_THE_TEAMS:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
