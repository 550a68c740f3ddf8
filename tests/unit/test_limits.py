"""Limits of listeners: the decorator, the setting, and what a process allows."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.inbox.lease import Stored
from anchorbolt.limits import Limit, limit, limit_of, parse
from anchorbolt.worker.listener_limits import ListenerLimits

STORED = Stored(1, "key", "event", "application/json", "{}", None, None, "T1", "C1", 0.0, 1, 0, None)


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    """A decorated listener is the same function, which plain Bolt runs as ever."""

    @limit(concurrency=2, per_second=0.5, seconds=30)
    def listener() -> str:
        return "ran"

    assert listener() == "ran"
    assert limit_of(listener) == Limit(2, 0.5, 30)
    assert limit_of(len) is None
    with pytest.raises(ValueError, match="above 0"):
        limit(concurrency=0)


def test_a_listener_of_the_app_is_found_by_its_name() -> None:
    """The limit of a listener has the name under which logs and settings know it, below or above Bolt's decorator."""
    app = BoltApp(token="xoxb-made-up", api_url="http://127.0.0.1:9/api/")

    @app.event("app_mention")
    @limit(concurrency=2)
    async def mentioned() -> None: ...

    @app.event("message")
    @limit(seconds=3)
    def message() -> None: ...

    assert app.listener_limits == {f"{__name__}.mentioned": Limit(2), f"{__name__}.message": Limit(seconds=3)}


def test_the_setting_is_read() -> None:
    """Each listener has one or several limits, in any order."""
    assert parse("app.a=5, app.b=10/s,app.c=30s 2 0.5/s,") == {
        "app.a": Limit(5),
        "app.b": Limit(per_second=10),
        "app.c": Limit(2, 0.5, 30),
    }
    assert parse("") == {}


@pytest.mark.parametrize("wrong", ["app.a", "app.a=", "=5", "app.a=x", "app.a=0", "app.a=1.5", "app.a=1 2", "a=-1/s"])
def test_a_wrong_entry_is_named(wrong: str) -> None:
    """The message quotes the entry that is wrong."""
    with pytest.raises(InvalidSettingsError, match="LISTENER_LIMITS"):
        parse(f"good=1,{wrong}")


def limits(clock: Any = lambda: 0.0, concurrency: int = 100, **named: Limit) -> ListenerLimits:
    """Limits of listeners by their names."""
    return ListenerLimits(named, concurrency, clock)


def test_no_more_runs_at_once_than_allowed() -> None:
    """Up to its limit a listener runs; then it waits until a run has ended, which says that there is room."""
    mine = limits(a=Limit(2))
    for _ in range(2):
        assert mine.holds(STORED, "a") is None
        mine.begin("a")
    assert mine.holds(STORED, "a") == "limit:a"
    assert (mine.room("limit:a"), mine.room("hold:a")) == (0, None)
    assert mine.holds(STORED, "b") is None
    assert mine.end("a")
    assert mine.holds(STORED, "a") is None
    assert mine.room("limit:a") == 1
    assert not mine.end("a"), "it was below its limit: nobody waits for this one"


def test_no_more_begin_a_second_than_allowed() -> None:
    """Runs begin apart from each other, by the clock, however long each takes."""
    now = 100.0
    mine = limits(lambda: now, a=Limit(per_second=2))
    mine.begin("a")
    assert mine.holds(STORED, "a") == "limit:a"
    assert mine.next_in_seconds("a") == 0.5
    mine.end("a")
    assert mine.room("limit:a") == 0
    now = 100.5
    assert mine.room("limit:a") == 1
    assert mine.holds(STORED, "a") is None
    assert mine.next_in_seconds("b") is None


def test_no_listener_takes_all_slots() -> None:
    """A fifth of the slots is for others, also where no limit is set; where there are few slots, all are for all."""
    mine = limits(concurrency=100)
    for _ in range(80):
        assert mine.holds(STORED, "slow") is None
        mine.begin("slow")
    assert mine.holds(STORED, "slow") == "limit:slow"
    assert mine.holds(STORED, "other") is None
    few = limits(concurrency=3)
    for _ in range(3):
        assert few.holds(STORED, "slow") is None
        few.begin("slow")
