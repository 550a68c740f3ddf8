"""The names of Bolt's own that bolt/ takes hold of: a new Bolt without one of them is told here, in a sentence."""

from __future__ import annotations

import ast
import hashlib
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import anchorbolt.bolt
import pytest
import slack_bolt
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.lazy_listener.asyncio_runner import AsyncioLazyListenerRunner
from slack_bolt.listener.async_listener import AsyncCustomListener
from slack_bolt.listener.asyncio_runner import AsyncioListenerRunner
from slack_bolt.listener_matcher import builtins
from slack_bolt.listener_matcher.async_builtins import AsyncBuiltinListenerMatcher
from slack_bolt.middleware.async_middleware_error_handler import AsyncMiddlewareErrorHandler
from slack_bolt.middleware.attaching_function_token.async_attaching_function_token import AsyncAttachingFunctionToken
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.middleware.ignoring_self_events.async_ignoring_self_events import AsyncIgnoringSelfEvents
from slack_bolt.request.async_request import AsyncBoltRequest

MOVED = f"Bolt {slack_bolt.version.__version__} has no {{}} any more: bolt/ takes hold of it and must be changed"

INSTANCE = (
    *("_async_client", "_framework_logger", "_base_logger", "_token", "_async_listeners", "_async_listener_runner"),
    *("_async_middleware_list", "_async_middleware_error_handler", "_raise_error_for_unhandled_request"),
)
METHODS = ("async_dispatch", "error", "_init_context", "_handle_unmatched_requests", "listener_runner")


@pytest.fixture(scope="module")
def stock() -> AsyncApp:
    """Bolt as it comes."""
    return AsyncApp(token="xoxb-made-up", signing_secret="made-up")


@pytest.mark.parametrize("name", INSTANCE)
def test_an_attribute_that_is_replaced(stock: AsyncApp, name: str) -> None:
    """Bolt's app still has the attribute that ours replaces or reads."""
    assert hasattr(stock, name), MOVED.format(f"AsyncApp.{name}")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_is_overridden(name: str) -> None:
    """Bolt's app still has the method that ours overrides; else ours would never be called."""
    assert hasattr(AsyncApp, name), MOVED.format(f"AsyncApp.{name}")


def test_every_private_name_of_bolt_is_known_here() -> None:
    """What app/anchorbolt/bolt uses of Bolt's private names is listed above: none can move unseen."""
    listeners = {f"_{kind}_listeners" for kind in ("thread_started", "thread_context_changed", "user_message")}
    known = {*INSTANCE, *METHODS, *listeners, "_bot_message_listeners", "_is_self_event"}
    own = {
        node.attr
        for file in Path(anchorbolt.bolt.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }
    defined = {
        name
        for file in Path(anchorbolt.bolt.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _defined(node)
    }
    assert own - defined <= known, "add it to this file"


def _defined(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.attr for target in targets if isinstance(target, ast.Attribute)]


def test_every_listener_passes_the_runner(stock: AsyncApp) -> None:
    """Bolt's dispatch still hands every listener to listener_runner.run, with the arguments that ours takes."""
    names = list(inspect.signature(AsyncioListenerRunner.run).parameters)
    expected = ["self", "request", "response", "listener_name", "listener", "starting_time"]
    assert names == expected, MOVED.format(f"AsyncioListenerRunner.run{tuple(expected)}")
    assert "_async_listener_runner.run(" in inspect.getsource(AsyncApp.async_dispatch), MOVED.format(
        "AsyncApp.async_dispatch that calls _async_listener_runner.run"
    )
    parameters = inspect.signature(AsyncioListenerRunner).parameters
    for name in ("logger", "process_before_response", "listener_error_handler", "lazy_listener_runner"):
        assert name in parameters, MOVED.format(f"argument {name} of AsyncioListenerRunner")
    assert callable(AsyncioLazyListenerRunner)


def test_listeners_are_walked_over_where_the_index_is_asked() -> None:
    """Bolt's dispatch still walks over its list of listeners, so that an index in its place chooses whom it meets."""
    assert "in self._async_listeners:" in inspect.getsource(AsyncApp.async_dispatch), MOVED.format(
        "AsyncApp.async_dispatch that walks over _async_listeners"
    )


@pytest.mark.parametrize(
    ("walked", "digest"),
    [
        (AsyncApp.async_dispatch, "9933aad9b4dc0525"),
        (AsyncIgnoringSelfEvents.async_process, "e9380629ac0aa5a2"),
        (AsyncAttachingFunctionToken.async_process, "b1674af57254fbfa"),
    ],
)
def test_bolt_walks_as_it_did_when_our_walk_was_written(walked: Callable[..., object], digest: str) -> None:
    """walk.py does what these do: where Bolt changes one of them, somebody has to compare, and put its digest here."""
    source = inspect.getsource(walked)
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == digest, f"compare walk.py with {walked.__qualname__}"


def test_a_listener_tells_its_functions() -> None:
    """A listener still has what the runner reads: its functions, whether it acknowledges by itself, its matchers."""
    listener = AsyncCustomListener(
        app_name="x", ack_function=_nothing, lazy_functions=[], matchers=[], middleware=[], auto_acknowledgement=True
    )
    for name in ("ack_function", "lazy_functions", "matchers", "auto_acknowledgement", "run_ack_function"):
        assert hasattr(listener, name), MOVED.format(f"AsyncListener.{name}")


async def _nothing() -> None: ...


def test_an_ack_keeps_its_response() -> None:
    """ack() still leaves its response where the runner finds it."""
    assert AsyncAck().response is None, MOVED.format("AsyncAck.response")  # type: ignore[no-untyped-call]


def test_an_assistant_keeps_its_listeners() -> None:
    """An assistant still has its listeners where they are looked at for synchronous ones."""
    for kind in ("thread_started", "thread_context_changed", "user_message", "bot_message"):
        assert hasattr(AsyncAssistant(), f"_{kind}_listeners"), MOVED.format(f"AsyncAssistant._{kind}_listeners")


def test_authorization_is_where_it_is_replaced(stock: AsyncApp) -> None:
    """With one token, Bolt still authorizes by a middleware that keeps the answer of auth.test."""
    found = [one for one in stock._async_middleware_list if isinstance(one, AsyncSingleTeamAuthorization)]
    assert len(found) == 1, MOVED.format("AsyncSingleTeamAuthorization among its middleware")
    assert found[0].auth_test_result is None, MOVED.format("AsyncSingleTeamAuthorization.auth_test_result")
    assert callable(AsyncMiddlewareErrorHandler.handle)


def test_a_matcher_tells_what_it_compares_with(stock: AsyncApp) -> None:
    """Bolt's own matchers still are functions of the body alone, that keep what they compare with in their closure."""
    matcher = builtins.command("/x", asyncio=True)
    assert type(matcher) is AsyncBuiltinListenerMatcher, MOVED.format("AsyncBuiltinListenerMatcher for a command")
    assert list(matcher.arg_names) == ["body"], MOVED.format("AsyncBuiltinListenerMatcher.arg_names == ['body']")


def test_a_stored_request_is_not_verified_again() -> None:
    """A request made in the mode of Socket Mode still takes a parsed body, and keeps the context that it is given."""
    request = AsyncBoltRequest(
        body={"type": "x"}, mode="socket_mode", context={"ours": 1}, headers={"content-type": "x"}
    )
    assert (request.body, request.context["ours"]) == ({"type": "x"}, 1), MOVED.format("AsyncBoltRequest(mode=...)")


def test_python_tells_of_what_nobody_awaited() -> None:
    """Python still calls the function that ours replaces; else a forgotten `await` would go unseen."""
    told: list[object] = []

    async def never() -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warnings, "_warn_unawaited_coroutine", told.append)
        never()  # type: ignore[unused-coroutine]
    assert len(told) == 1, "Python has no warnings._warn_unawaited_coroutine any more: bolt/unawaited.py needs another"
