"""Which errors are transient: decided by names along the class hierarchy and the chain, for any class of exception."""

from __future__ import annotations

import builtins
import errno
import sqlite3
import ssl
import urllib.error
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from anchorbolt.errors import NotAuthorizedError, StoreUnavailableError
from anchorbolt.worker.holding import fingerprint
from anchorbolt.worker.transient import Kind, chain, kind_of, retry_after_seconds
from anchorbolt.worker.transient_names import PERMANENT, TRANSIENT, TRANSIENT_ERRNOS
from anchorbolt.worker.verdict import judge
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from tests.unit.worker.test_verdict import LIMITS, slack_error


def named(name: str, *bases: type[BaseException]) -> type[BaseException]:
    """A class of that qualified name, as its library would define it."""
    module, _, qualname = name.rpartition(".")
    return type(qualname, bases or (Exception,), {"__module__": module})


def all_builtins() -> Iterator[type[Exception]]:
    """Every exception of Python's own that needs no arguments."""
    for found in vars(builtins).values():
        if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, BaseExceptionGroup):
            try:
                found()
            except TypeError:
                continue
            yield found


@given(st.sampled_from(sorted(TRANSIENT)), st.integers(0, 3), st.booleans())
def test_a_known_name_is_transient_with_all_its_subclasses(name: str, depth: int, in_a_submodule: bool) -> None:
    """Each name of the table is transient, from wherever in its package it comes, and so is any subclass of it."""
    module, _, qualname = name.rpartition(".")
    found = named(f"{module}._inner.{qualname}" if in_a_submodule and module != "builtins" else name)
    for n in range(depth):
        found = named(f"our_app.errors.Sub{n}", found)
    assert kind_of(found()) is Kind.TRANSIENT


@given(st.sampled_from(sorted(PERMANENT)), st.sampled_from(sorted(TRANSIENT)))
def test_a_permanent_name_wins_over_the_classes_above_it(name: str, above: str) -> None:
    """A wrong certificate or password is permanent, though its class is one of a connection error."""
    assert kind_of(named(name, named(above))()) is Kind.PERMANENT


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}\.[A-Z][A-Za-z]{0,12}", fullmatch=True))
def test_any_other_name_is_a_bug(name: str) -> None:
    """Whatever class is in no table is permanent, and transient once ATTEMPT_ON names it."""
    error = named(name)()
    if name not in TRANSIENT:
        assert kind_of(error) is Kind.PERMANENT
    assert kind_of(error, {name}) is Kind.TRANSIENT


@pytest.mark.parametrize("found", list(all_builtins()))
def test_every_exception_of_pythons_own(found: type[Exception]) -> None:
    """Of Python's own exceptions those about connections and time are transient, and all others are bugs."""
    expected = issubclass(found, (ConnectionError, TimeoutError, BlockingIOError, InterruptedError))
    assert (kind_of(found()) is Kind.TRANSIENT) is expected


@given(st.sampled_from(sorted(errno.errorcode)))
def test_an_error_of_the_system_by_its_errno(number: int) -> None:
    """An OSError is transient by its errno alone: a refused connection is, a missing file or a full disk is not."""
    assert (kind_of(OSError(number, "said")) is Kind.TRANSIENT) is (number in TRANSIENT_ERRNOS)


def test_several_addresses_that_all_failed() -> None:
    """What asyncio raises where no address of a host answers has no errno, and quotes them."""
    said = "Multiple exceptions: [Errno {}] Connect call failed, [Errno {}] Network is unreachable"
    assert kind_of(OSError(said.format(errno.ECONNREFUSED, errno.ENETUNREACH))) is Kind.TRANSIENT
    assert kind_of(OSError(said.format(errno.ENOENT, errno.ENETUNREACH))) is Kind.PERMANENT
    assert kind_of(OSError("said without a number")) is Kind.PERMANENT


LINKS = st.lists(st.tuples(st.sampled_from(["cause", "context", "suppressed"]), st.booleans()), max_size=5)


@given(LINKS)
def test_the_first_link_of_a_chain_that_tells_something_decides(links: list[tuple[str, bool]]) -> None:
    """A class of the team's own tells nothing, so what it was raised from decides, unless `from None` hid that."""
    error: BaseException = ConnectionResetError() if links and links[-1][1] else ValueError()
    is_transient = isinstance(error, ConnectionResetError)
    for how, tells in links:
        outer: BaseException = TimeoutError() if tells else LookupError()
        if how == "cause":
            outer.__cause__ = error
        else:
            outer.__context__ = error
            outer.__suppress_context__ = how == "suppressed"
        is_transient = tells or (is_transient and how != "suppressed")
        error = outer
    assert (kind_of(error) is Kind.TRANSIENT) is is_transient


def test_a_chain_that_is_a_circle_ends() -> None:
    """Two errors that are each other's cause are looked at once each."""
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert list(chain(one)) == [one, two]
    assert kind_of(one) is Kind.PERMANENT


def test_what_slack_says_decides_before_what_it_was_raised_from() -> None:
    """An apology that Slack refuses for good is permanent, though it was made because of a time-out."""
    error = slack_error("channel_not_found")
    error.__context__ = TimeoutError()
    assert kind_of(error) is Kind.PERMANENT


def test_a_group_is_as_bad_as_its_worst() -> None:
    """A group of a task group is transient only where all of its errors are."""
    assert kind_of(ExceptionGroup("both", [TimeoutError(), ConnectionResetError()])) is Kind.TRANSIENT
    assert kind_of(ExceptionGroup("one", [TimeoutError(), KeyError()])) is Kind.PERMANENT
    assert kind_of(ExceptionGroup("one", [TimeoutError(), KeyError()]), {"builtins.KeyError"}) is Kind.TRANSIENT


class HostileError(OSError):
    """Raises for whatever is asked of it."""

    def __str__(self) -> str:
        """No text."""
        raise RuntimeError

    @property
    def response(self) -> Any:
        """No response."""
        raise RuntimeError

    headers = status = status_code = response


def test_an_error_that_raises_when_it_is_looked_at() -> None:
    """An error whose attributes and text raise is judged, told and has a fingerprint like any other."""
    error = HostileError()
    assert kind_of(error) is Kind.PERMANENT
    assert judge(error, 1, LIMITS).error == "HostileError: (its text cannot be had: RuntimeError)"
    assert retry_after_seconds(error) is None
    assert fingerprint(error).endswith("test_transient.HostileError")


def answered(status: int) -> list[Exception]:
    """The errors of several HTTP clients for an answer of that status."""
    request = httpx.Request("GET", "http://127.0.0.1")
    of_requests: Any = named("requests.exceptions.HTTPError", OSError)()
    of_requests.response = SimpleNamespace(status_code=status)
    of_openai: Any = named("openai.APIStatusError")()
    of_openai.status_code = status
    of_google: Any = named("google.api_core.exceptions.GoogleAPICallError")()
    of_google.code = HTTPStatus(status)
    of_aws: Any = named("botocore.exceptions.ClientError")()
    of_aws.response = {"Error": {"Code": "Any"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return [
        httpx.HTTPStatusError("said", request=request, response=httpx.Response(status, request=request)),
        aiohttp.ClientResponseError(None, (), status=status),  # type: ignore[arg-type] # its text is not asked for
        urllib.error.HTTPError("http://127.0.0.1", status, "said", Message(), None),
        *(of_requests, of_openai, of_google, of_aws),
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_an_answer_that_says_no(status: int) -> None:
    """A 4xx of whatever HTTP client is permanent."""
    assert {kind_of(error) for error in answered(status)} == {Kind.PERMANENT}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_answer_that_says_later(status: int) -> None:
    """A 5xx, a 429 and their like of whatever HTTP client are transient."""
    assert {kind_of(error) for error in answered(status)} == {Kind.TRANSIENT}
    assert kind_of(slack_error("a_new_word", status)) is Kind.TRANSIENT


def test_not_before_retry_after_of_any_client() -> None:
    """The Retry-After of another service counts like Slack's, also where the team's own error was raised from it."""
    request = httpx.Request("GET", "http://127.0.0.1")
    response = httpx.Response(429, headers={"Retry-After": "17"}, request=request)
    ours = RuntimeError("busy")
    ours.__cause__ = httpx.HTTPStatusError("said", request=request, response=response)
    assert retry_after_seconds(ours) == 17
    assert retry_after_seconds(RuntimeError()) is None


@pytest.mark.parametrize(("word", "kind"), [("UNAVAILABLE", Kind.TRANSIENT), ("INVALID_ARGUMENT", Kind.PERMANENT)])
def test_grpc_by_its_code(word: str, kind: Kind) -> None:
    """An error of gRPC is transient by its status code."""
    error: Any = named("grpc.aio._call.AioRpcError", named("grpc.RpcError"))()
    error.code = lambda: SimpleNamespace(name=word)
    assert kind_of(error) is kind
    del error.code
    assert kind_of(error) is Kind.PERMANENT, "one without a code tells nothing"


def test_aws_by_its_code() -> None:
    """Throttling by AWS is transient, though its status is 400."""
    error: Any = named("botocore.exceptions.ClientError")()
    error.response = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    assert kind_of(error) is Kind.TRANSIENT


def test_sqlite_calls_bugs_operational_too() -> None:
    """A locked database is transient; a table that is not there is a bug, under SQLAlchemy too."""

    def raised(statement: str) -> sqlite3.Error:
        with pytest.raises(sqlite3.Error) as caught:
            sqlite3.connect(":memory:").execute(statement)
        return caught.value

    bug = raised("SELECT * FROM nowhere")
    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = 261  # SQLITE_BUSY_RECOVERY
    assert kind_of(bug) is kind_of(OperationalError("SELECT", {}, bug)) is Kind.PERMANENT
    assert kind_of(OperationalError("SELECT", {}, sqlite3.OperationalError("without a code"))) is Kind.PERMANENT
    assert kind_of(locked) is kind_of(OperationalError("SELECT", {}, locked)) is Kind.TRANSIENT
    assert kind_of(OperationalError("SELECT", {}, named("MySQLdb.OperationalError")())) is Kind.TRANSIENT


def test_ours_and_some_real_ones() -> None:
    """The database that is away, a refused token, and errors as real libraries raise them."""
    ours = [StoreUnavailableError(), NotAuthorizedError(), httpx.ReadTimeout("x"), TimeoutError()]
    assert {kind_of(error) for error in ours} == {Kind.TRANSIENT}
    wrong = [ssl.SSLCertVerificationError(1, "x"), httpx.UnsupportedProtocol("x"), ssl.SSLError(1, "x")]
    wrong.append(ssl.SSLError(errno.ECONNRESET, "a number of its own, which means something else"))
    assert {kind_of(error) for error in wrong} == {Kind.PERMANENT}
