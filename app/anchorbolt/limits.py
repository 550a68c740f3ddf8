"""Limits of a listener: how many of its runs go on at once, how many begin a second, how long one may take.

A team sets them beside the listener, with a decorator that plain Bolt ignores, or in LISTENER_LIMITS, which counts
more. This module imports nothing of the product but its errors, so a module of listeners may import it anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from anchorbolt.errors import InvalidSettingsError

Function = TypeVar("Function", bound=Callable[..., Any])

_ATTRIBUTE = "__anchorbolt_limit__"


@dataclass(frozen=True, slots=True)
class Limit:
    """What one process allows a listener; None: no limit.

    `concurrency`: runs at once. `per_second`: runs that begin a second. `seconds`: how long a run may take, instead of
    RUN_TIMEOUT_SECONDS.
    """

    concurrency: int | None = None
    per_second: float | None = None
    seconds: float | None = None


def limit(
    *, concurrency: int | None = None, per_second: float | None = None, seconds: float | None = None
) -> Callable[[Function], Function]:
    """Limits the runs of a listener in each process. Put it below Bolt's decorator; the function stays what it is.

    Args:
        concurrency: how many runs go on at once.
        per_second: how many begin a second.
        seconds: how long one may take before it is cancelled.

    Raises:
        ValueError: a limit is not above 0.
    """
    if any(one is not None and one <= 0 for one in (concurrency, per_second, seconds)):
        raise ValueError("a limit is above 0")

    def mark(function: Function) -> Function:
        setattr(function, _ATTRIBUTE, Limit(concurrency, per_second, seconds))
        return function

    return mark


def limit_of(function: Any) -> Limit | None:
    """Returns the limit that the decorator has set on a listener's function; None: it has none."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Limit) else None


def parse(text: str) -> Mapping[str, Limit]:
    """Reads LISTENER_LIMITS: `app.summarize=5, app.sync=10/s, app.report=2 1/s 30s`.

    After the name of a listener, as the log has it, come a number of runs at once, a number of runs a second, and how
    many seconds a run may take, in any order.

    Raises InvalidSettingsError, which names what is wrong.
    """
    limits = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, separator, values = entry.partition("=")
        found: dict[str, float] = {}
        for value in values.split():
            kind, number = _read(value)
            if not separator or number is None or kind in found:
                raise InvalidSettingsError(
                    [f"LISTENER_LIMITS: {entry!r} is not of the form name=5, name=10/s, name=30s or name=5 10/s 30s"]
                )
            found[kind] = number
        if not name.strip() or not found:
            raise InvalidSettingsError([f"LISTENER_LIMITS: {entry!r} names no listener, or no limit for it"])
        concurrency = found.get("concurrency")
        limits[name.strip()] = Limit(
            None if concurrency is None else int(concurrency), found.get("per_second"), found.get("seconds")
        )
    return limits


def _read(value: str) -> tuple[str, float | None]:
    kind = "per_second" if value.endswith("/s") else "seconds" if value.endswith("s") else "concurrency"
    digits = value.removesuffix("/s") if kind == "per_second" else value.removesuffix("s")
    try:
        number = float(digits)
    except ValueError:
        return kind, None
    is_whole = kind != "concurrency" or number.is_integer()
    return kind, number if 0 < number < float("inf") and is_whole else None
