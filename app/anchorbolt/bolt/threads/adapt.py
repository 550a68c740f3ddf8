"""Turns Bolt's synchronous parts of an app into asynchronous ones, which run in threads. What is asynchronous stays."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, cast

from slack_bolt.authorization.async_authorize import AsyncAuthorize, AsyncCallableAuthorize
from slack_bolt.authorization.authorize import CallableAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.listener import CustomListener, Listener
from slack_bolt.listener.async_listener import AsyncCustomListener, AsyncListener
from slack_bolt.listener_matcher import CustomListenerMatcher, ListenerMatcher
from slack_bolt.listener_matcher.async_listener_matcher import AsyncCustomListenerMatcher, AsyncListenerMatcher
from slack_bolt.listener_matcher.builtins import BuiltinListenerMatcher
from slack_bolt.logger import get_bolt_app_logger
from slack_bolt.middleware import AttachingConversationKwargs, CustomMiddleware, Middleware
from slack_bolt.middleware.assistant import Assistant
from slack_bolt.middleware.assistant.async_assistant import AsyncAssistant
from slack_bolt.middleware.async_custom_middleware import AsyncCustomMiddleware
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_conversation_kwargs.async_attaching_conversation_kwargs import (
    AsyncAttachingConversationKwargs,
)
from slack_bolt.middleware.message_listener_matches import MessageListenerMatches
from slack_bolt.middleware.message_listener_matches.async_message_listener_matches import AsyncMessageListenerMatches
from slack_bolt.request import payload_utils
from slack_bolt.util.utils import get_arg_names_of_callable, is_callable_coroutine
from slack_bolt.workflows.step.async_step import AsyncWorkflowStep
from slack_bolt.workflows.step.async_step_middleware import AsyncWorkflowStepMiddleware
from slack_bolt.workflows.step.step_middleware import WorkflowStepMiddleware

from anchorbolt.bolt.conversation_arguments import ConversationArguments
from anchorbolt.bolt.listener import DirectMatcher, direct
from anchorbolt.bolt.threads.parts import (
    SynchronousUtilities,
    ThreadAuthorize,
    ThreadListener,
    ThreadMatcher,
    ThreadMiddleware,
)
from anchorbolt.bolt.threads.threads import threads_of
from anchorbolt.errors import ListenersError

# The attributes of an assistant, Bolt's own, that are None or a list of listeners.
_OF_ASSISTANTS = tuple(
    f"_{kind}_listeners" for kind in ("thread_started", "thread_context_changed", "user_message", "bot_message")
)

# The attributes of a workflow's step that are a listener.
_OF_STEPS = ("edit", "save", "execute")


def listeners_in(one: object) -> Iterator[Any]:
    """Yields the listeners that a middleware holds: those of an assistant or of a workflow's step."""
    if isinstance(one, Assistant | AsyncAssistant):
        for name in _OF_ASSISTANTS:
            yield from getattr(one, name) or ()
    elif isinstance(one, WorkflowStepMiddleware | AsyncWorkflowStepMiddleware):
        yield from (getattr(one.step, name) for name in _OF_STEPS)


def listener(one: Listener | AsyncListener) -> AsyncListener:
    """Adapts a listener that Bolt has built."""
    if isinstance(one, AsyncListener) and _is_asynchronous(one):
        return one
    if not isinstance(one, CustomListener | AsyncCustomListener):
        raise ListenersError(f"{type(one).__name__} is no listener of Bolt's own: register its function instead")
    return ThreadListener(
        app_name=one.app_name,
        ack_function=cast("Callable[..., Awaitable[Any]]", one.ack_function),
        lazy_functions=cast("Any", one.lazy_functions),
        matchers=[matcher(each) for each in one.matchers],
        middleware=_attached((one.ack_function, *one.lazy_functions), [middleware(each) for each in one.middleware]),
        auto_acknowledgement=one.auto_acknowledgement,
        ack_timeout=one.ack_timeout,
        logger=one.logger,
    )


def functions(
    app_name: str,
    given: Sequence[Callable[..., Any]],
    matchers: Sequence[AsyncListenerMatcher | Callable[..., Any]],
    middlewares: Sequence[AsyncMiddleware | Callable[..., Any]],
    *,
    auto_acknowledgement: bool,
    ack_timeout: int,
    base_logger: logging.Logger | None,
) -> AsyncListener:
    """Makes a listener of functions of which some are synchronous. `given`: the listener, then its lazy functions."""
    return ThreadListener(
        app_name=app_name,
        ack_function=given[0],
        lazy_functions=given[1:],
        matchers=[_matcher_of(app_name, each, base_logger) for each in matchers],
        middleware=_attached(given, [_middleware_of(app_name, each, base_logger) for each in middlewares]),
        auto_acknowledgement=auto_acknowledgement,
        ack_timeout=ack_timeout,
        logger=get_bolt_app_logger(app_name, given[0], base_logger),
    )


def _is_asynchronous(one: AsyncListener) -> bool:
    """Returns whether all functions of a listener are coroutine functions. Bolt checks those of assistants late."""
    matchers = [each.func for each in one.matchers if isinstance(each, AsyncCustomListenerMatcher)]
    return all(is_callable_coroutine(each) for each in (one.ack_function, *one.lazy_functions, *matchers))


def _attached(functions: Sequence[Callable[..., Any]], middleware: list[AsyncMiddleware]) -> list[AsyncMiddleware]:
    """Attaches the utilities of a conversation on the side where these functions look for them, or on both sides."""
    asynchronous = [one for one in middleware if isinstance(one, AsyncAttachingConversationKwargs)]
    synchronous = [one for one in middleware if isinstance(one, SynchronousUtilities)]
    if not asynchronous and not synchronous:
        return middleware
    rest = [one for one in middleware if one not in asynchronous + synchronous]
    kinds = {is_callable_coroutine(one) for one in functions} | {
        not isinstance(one, ThreadMiddleware) for one in rest if type(one) is not AsyncMessageListenerMatches
    }
    attaching: list[AsyncMiddleware] = []
    if True in kinds:
        attaching.append(ConversationArguments(asynchronous[0].thread_context_store if asynchronous else None))
    if False in kinds:
        attaching += synchronous or [SynchronousUtilities(AttachingConversationKwargs())]
    return [*attaching, *rest]


def _matcher_of(app_name: str, one: Any, base_logger: logging.Logger | None) -> AsyncListenerMatcher:
    if isinstance(one, AsyncListenerMatcher):
        return matcher(one)
    kind = AsyncCustomListenerMatcher if is_callable_coroutine(one) else CustomListenerMatcher
    return matcher(kind(app_name=app_name, func=one, base_logger=base_logger))


def _middleware_of(app_name: str, one: Any, base_logger: logging.Logger | None) -> AsyncMiddleware:
    if isinstance(one, AsyncMiddleware | Middleware):
        return middleware(one)
    if not callable(one):
        raise ListenersError(f"a middleware is a function or an object of Bolt's, and no {type(one).__name__}")
    kind = AsyncCustomMiddleware if is_callable_coroutine(one) else CustomMiddleware
    return middleware(kind(app_name=app_name, func=one, base_logger=base_logger))


def matcher(one: ListenerMatcher | AsyncListenerMatcher) -> AsyncListenerMatcher:
    """Adapts a matcher. One of Bolt's own, which only looks at the body, needs no thread."""
    if isinstance(one, AsyncCustomListenerMatcher) and not is_callable_coroutine(one.func):
        return ThreadMatcher(cast("Callable[..., bool]", one.func), one.logger)
    if isinstance(one, AsyncListenerMatcher):
        return direct(one)
    function = getattr(one, "func", None)
    if isinstance(one, CustomListenerMatcher) and is_callable_coroutine(function):  # Bolt would take it for a yes
        return AsyncCustomListenerMatcher(app_name=one.app_name, func=cast("Any", function), base_logger=one.logger)
    is_bolts = isinstance(one, BuiltinListenerMatcher) or getattr(function, "__module__", "") == payload_utils.__name__
    if is_bolts and get_arg_names_of_callable(function) == ["body"]:  # type: ignore[arg-type] # Bolt's own functions
        return DirectMatcher(cast("Callable[[dict[str, Any]], bool]", function))
    if isinstance(one, CustomListenerMatcher | BuiltinListenerMatcher):
        return ThreadMatcher(cast("Callable[..., bool]", one.func), one.logger)
    return ThreadMatcher(one.matches, None)


def middleware(one: Middleware | AsyncMiddleware) -> AsyncMiddleware:  # noqa: PLR0911 - one for each kind
    """Adapts a middleware, global or of a listener."""
    if isinstance(one, Assistant):
        return assistant(one)
    if isinstance(one, WorkflowStepMiddleware):
        return step(one)
    if isinstance(one, AsyncAssistant):
        _adapt_listeners(one, one)
    if isinstance(one, AsyncMiddleware):
        return one
    if type(one) is AttachingConversationKwargs:
        return SynchronousUtilities(one)
    if isinstance(one, CustomMiddleware) and is_callable_coroutine(one.func):  # Bolt would never run it
        return AsyncCustomMiddleware(app_name=one.app_name, func=cast("Any", one.func))
    if type(one) is MessageListenerMatches:
        return AsyncMessageListenerMatches(one.keyword)
    return ThreadMiddleware(one)


def assistant(one: Assistant) -> AsyncAssistant:
    """Adapts an assistant with all its listeners. Raises ListenersError for one with a `process` of its own."""
    if type(one).process is not Assistant.process:
        raise ListenersError(
            f"{type(one).__name__} has a process() of its own, which is not called here: put what it adds into a"
            " middleware before it"
        )
    if one._thread_context_changed_listeners is None:  # Bolt's own default, which it registers with the first request
        one.thread_context_changed(one.default_thread_context_changed)
    adapted = AsyncAssistant(app_name=one.app_name, logger=one.base_logger)
    _adapt_listeners(one, adapted)
    return adapted


def step(one: WorkflowStepMiddleware) -> AsyncWorkflowStepMiddleware:
    """Adapts a workflow's step of a synchronous app. Bolt runs the step's listeners itself, and so must ours."""
    parts: dict[str, Any] = {name: listener(getattr(one.step, name)) for name in _OF_STEPS}
    return AsyncWorkflowStepMiddleware(AsyncWorkflowStep(callback_id=one.step.callback_id, **parts))


def _adapt_listeners(one: Assistant | AsyncAssistant, to: AsyncAssistant) -> None:
    for name in _OF_ASSISTANTS:
        listeners = getattr(one, name)
        setattr(to, name, listeners and [listener(each) for each in listeners])


def error_handler(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Adapts the function of `@app.error`."""
    if is_callable_coroutine(function):
        return function
    names = get_arg_names_of_callable(function)

    async def handler(error: Exception, request: Any, response: Any, context: AsyncBoltContext) -> Any:
        threads = threads_of(context)
        return await threads.call(
            function, names, request, response, context.logger, error=error, next_keys_required=False
        )

    return handler


def authorize(one: Any) -> AsyncAuthorize:
    """Adapts what authorizes requests: Bolt's object around the team's function."""
    if isinstance(one, CallableAuthorize) and is_callable_coroutine(one.func):  # Bolt would never run it
        one = AsyncCallableAuthorize(logger=one.logger, func=cast("Any", one.func))
    # A team may have put a function of its own into the place of Bolt's object (`oauth_settings.authorize = ...`).
    return ThreadAuthorize(one, is_asynchronous=is_callable_coroutine(one))
