"""Decides whether an error is transient: a later attempt may succeed, because the cause was not in the listener.

It is decided by qualified names along the class hierarchy, and along `__cause__` and `__context__`, so that no library
has to be imported for it: an error can only be of a library that its raiser has imported already.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from anchorbolt.bolt import slack_call, slack_error
from anchorbolt.worker.transient_names import (
    AWS_CODES,
    GRPC_CODES,
    NOT_SENT,
    PERMANENT,
    SQLITE_CODES,
    STATUS_IN_CODE,
    TRANSIENT,
    TRANSIENT_ERRNOS,
    TRANSIENT_STATUSES,
)

_ERRNO = re.compile(r"\[Errno (\d+)\]")


class Kind(StrEnum):
    """What an error says about another attempt."""

    TRANSIENT = "transient"
    UNKNOWN_OUTCOME = "unknown_outcome"  # a call that changes something at Slack may have happened
    PERMANENT = "permanent"


# Of the errors of a group the strictest counts: one that comes again fails the next attempt too.
_STRICTEST = (Kind.PERMANENT, Kind.UNKNOWN_OUTCOME, Kind.TRANSIENT)


def kind_of(error: BaseException, more: Collection[str] = ()) -> Kind:
    """Returns what an error says about another attempt.

    The first error of its chain that tells something decides: a name in one of the tables, Slack's word, the status of
    an HTTP answer, an errno. The chain is the one that Python prints: `__cause__`, else `__context__` unless it was
    suppressed by `from None`. An error of which none tells anything is permanent: it is taken for a bug.

    Args:
        error: what a run ended with.
        more: further qualified names of transient classes, and Slack's words (the setting ATTEMPT_ON).
    """
    links = list(chain(error))
    for place, link in enumerate(links):
        if isinstance(link, BaseExceptionGroup):
            kinds = {kind_of(one, more) for one in link.exceptions}
            return next(kind for kind in _STRICTEST if kind in kinds)
        told = _told_by(link, more)
        if told is None:
            continue
        if told is Kind.TRANSIENT and not _was_answered(link) and any(map(_may_have_changed_something, links[place:])):
            return Kind.UNKNOWN_OUTCOME
        return told
    return Kind.PERMANENT


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those that it was raised from, in the order in which Python would print them backwards."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def retry_after_seconds(error: BaseException) -> float | None:
    """Returns the longest Retry-After (in seconds) that an answer in the error's chain asked for, if any did."""
    asked = []
    for link in chain(error):
        with contextlib.suppress(Exception):  # a foreign class may raise anything when its attributes are read
            asked.append(slack_error.retry_after_seconds(link))
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _told_by(error: BaseException, more: Collection[str]) -> Kind | None:
    """What an error tells without its chain; None where it tells nothing."""
    of_slack = slack_error.is_transient(error, more)
    if of_slack is not None:
        return _kind(is_transient=of_slack)
    for names in _names(type(error)):
        if (by_name := _of_class(names, error, more)) is not None:
            return by_name
    return _of_status(_status(error)) or _of_system(error)


def _of_class(names: frozenset[str], error: BaseException, more: Collection[str]) -> Kind | None:
    """What one class of the error's hierarchy tells."""
    if not names.isdisjoint(more):
        return Kind.TRANSIENT
    if not names.isdisjoint(PERMANENT):
        return Kind.PERMANENT
    if not names.isdisjoint(TRANSIENT):
        return _of_sqlite(error) or Kind.TRANSIENT
    by_code = next((rule for name, rule in _BY_CODE.items() if name in names), None)
    return by_code(error) if by_code is not None else None


def _of_status(status: int | None) -> Kind | None:
    return None if status is None else _kind(is_transient=status in TRANSIENT_STATUSES or status >= 500)


def _kind(*, is_transient: bool) -> Kind:
    return Kind.TRANSIENT if is_transient else Kind.PERMANENT


def _names(of: type[BaseException]) -> tuple[frozenset[str], ...]:
    """For each class of the hierarchy, the most special first, all names that a user may know it by.

    `aiohttp.client_exceptions.ClientError` is `aiohttp.ClientError` too.
    """
    found = []
    for one in of.__mro__:
        parts = one.__module__.split(".")
        paths = (".".join(parts[: n + 1]) for n in range(len(parts)))
        found.append(frozenset(f"{path}.{one.__qualname__}" for path in paths))
    return tuple(found)


def _is_named(error: BaseException, names: Collection[str]) -> bool:
    return any(not of_class.isdisjoint(names) for of_class in _names(type(error)))


def _was_answered(error: BaseException) -> bool:
    """Whether the other side is known to have said no, or never to have been reached."""
    return slack_error.is_slacks(error) or _status(error) is not None or _is_named(error, NOT_SENT)


def _may_have_changed_something(error: BaseException) -> bool:
    return slack_call.changes_something(slack_call.method_of(error))


def _status(error: BaseException) -> int | None:
    """The status of the HTTP answer that an error is about: of aiohttp, httpx, requests, urllib, openai and others."""
    response = _read(error, "response")
    found = [_read(holder, name) for holder in (error, response) for name in ("status_code", "status")]
    if _is_named(error, STATUS_IN_CODE):
        found.append(_read(error, "code"))
    with contextlib.suppress(Exception):  # botocore's
        found.append(response["ResponseMetadata"]["HTTPStatusCode"])
    return next((int(one) for one in found if type(one) in (int, HTTPStatus) and 400 <= one < 600), None)


def _read(holder: Any, name: str) -> Any:
    with contextlib.suppress(Exception):  # a property of a foreign class may raise anything
        return getattr(holder, name, None)
    return None


def _of_grpc(error: BaseException) -> Kind | None:
    """By its status code: `code()` returns a member of grpc.StatusCode."""
    with contextlib.suppress(Exception):
        return _kind(is_transient=error.code().name in GRPC_CODES)  # type: ignore[attr-defined]
    return None


def _of_aws(error: BaseException) -> Kind | None:
    with contextlib.suppress(Exception):
        return Kind.TRANSIENT if error.response["Error"]["Code"] in AWS_CODES else None  # type: ignore[attr-defined]
    return None


def _of_sqlite(error: BaseException) -> Kind | None:
    """SQLite calls a misspelt table an operational error too; only a lock passes."""
    original = _read(error, "orig") or error  # where SQLAlchemy has it
    code = _read(original, "sqlite_errorcode")
    if isinstance(code, int):
        return _kind(is_transient=code & 0xFF in SQLITE_CODES)
    return Kind.PERMANENT if type(original).__module__ == "sqlite3" else None


# Classes whose errors tell it by a code of their own.
_BY_CODE: dict[str, Callable[[BaseException], Kind | None]] = {
    "grpc.RpcError": _of_grpc,
    "botocore.exceptions.ClientError": _of_aws,
    "sqlite3.OperationalError": _of_sqlite,
}


def _of_system(error: BaseException) -> Kind | None:
    if not isinstance(error, OSError):
        return None
    if error.errno is not None:
        return _kind(is_transient=error.errno in TRANSIENT_ERRNOS) if type(error).__module__ != "ssl" else None
    # Where several addresses failed, asyncio raises an error without errno whose text quotes those of all of them.
    told: list[int] = []
    with contextlib.suppress(Exception):  # a foreign class may raise anything for its text
        told = [int(number) for number in _ERRNO.findall(str(error))]
    return _kind(is_transient=all(number in TRANSIENT_ERRNOS for number in told)) if told else None
