"""An index of the app's listeners by the names that they are registered for.

Bolt asks every listener's matcher one by one, and builds all arguments of a listener for each: 286 us with one
listener, 5,331 us with 200. Here a request's names choose candidates, in the order of registration, and Bolt's own
matchers still decide. A listener whose constraint is no plain string is always a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, SupportsIndex

from slack_bolt.listener.async_listener import AsyncCustomListener, AsyncListener
from slack_bolt.listener_matcher import builtins
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.bolt.listener import DirectMatcher, Listener, free_variables, prepare
from anchorbolt.bolt.names import Names

# The request that is dispatched. Bolt iterates over the listeners without telling for which request.
DISPATCHED: ContextVar[AsyncBoltRequest | None] = ContextVar("anchorbolt_dispatched", default=None)


class ListenerIndex(list[AsyncListener]):
    """Replaces Bolt's list of listeners.

    While a request is DISPATCHED, iteration yields the listeners that may match it; otherwise, all of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._named: dict[str, list[int]] = {}
        self._always: list[int] = []
        self.names = Names()
        self._found: dict[str | None, Sequence[AsyncListener]] = {}  # a cache, by name

    def append(self, listener: AsyncListener, /) -> None:
        """Files a listener under the name that its first matcher wants."""
        if type(listener) is AsyncCustomListener:
            listener = prepare(listener)
        if isinstance(listener, Listener):
            self.names.give(listener, listener.ack_function)
        name = name_wanted(listener.matchers[0])
        (self._always if name is None else self._named.setdefault(name, [])).append(len(self))
        self._found.clear()
        super().append(listener)

    def insert(self, index: SupportsIndex, listener: AsyncListener, /) -> None:
        """Positions are the order of registration: nothing may move them."""
        raise NotImplementedError("Bolt 1.30 only appends listeners")

    def __iter__(self) -> Iterator[AsyncListener]:
        request = DISPATCHED.get()
        return super().__iter__() if request is None else iter(self.candidates(request.body))

    def all(self) -> Iterator[AsyncListener]:
        """All listeners, in the order of registration, whatever is dispatched."""
        return super().__iter__()

    def candidates(self, body: Mapping[str, Any]) -> Sequence[AsyncListener]:
        """The listeners that may match a request, in the order of registration."""
        named = self._named
        names = [name for name in names_in(body) if isinstance(name, str) and name in named]
        if len(names) > 1:
            return self._of(names)
        name = names[0] if names else None
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._of(names)
        return found

    def _of(self, names: Sequence[str]) -> Sequence[AsyncListener]:
        found = {at for name in names for at in self._named[name]}
        found.update(self._always)
        return [self[at] for at in sorted(found)]


def names_in(body: Mapping[str, Any]) -> list[Any]:
    """Every value of a request that a plain constraint is compared with, wherever the kind of request has it."""
    event, view, actions = body.get("event"), body.get("view"), body.get("actions")
    found: list[Any] = [body.get("command"), body.get("callback_id"), body.get("action_id")]
    if isinstance(event, dict):
        found += (event.get("type"), event.get("callback_id"))
        function = event.get("function")
        if isinstance(function, dict):
            found.append(function.get("callback_id"))
    if isinstance(view, dict):
        found.append(view.get("callback_id"))
    if isinstance(actions, list) and actions and isinstance(actions[0], dict):
        found.append(actions[0].get("action_id"))
    return found


def name_wanted(matcher: AsyncListenerMatcher) -> str | None:
    """Returns the string that a request must hold for the matcher to match; None when there is no such string."""
    constraint = constraint_of(matcher)
    return constraint[1] if constraint is not None and isinstance(constraint[1], str) else None


def constraint_of(matcher: AsyncListenerMatcher) -> tuple[str, Any] | None:
    """Returns the name of Bolt's matcher (`command`, `block_action`) and what it compares with; None: not Bolt's."""
    if not isinstance(matcher, DirectMatcher):
        return None
    # Bolt compares in a closure: reading its variables gives exactly what it compares with.
    compare: Any = matcher.compare
    if getattr(compare, "__module__", None) != builtins.__name__:
        return None
    free, kind = free_variables(compare), compare.__qualname__.partition(".")[0]
    wanted = next((free[name] for name in ("event_type", "command", "callback_id", "action_id") if name in free), None)
    constraints = free.get("constraints")
    if wanted is None and isinstance(constraints, dict):
        wanted = constraints.get({"event": "type", "message_event": "type", "block_action": "action_id"}.get(kind))
    elif wanted is None:
        wanted = constraints
    return kind, wanted
