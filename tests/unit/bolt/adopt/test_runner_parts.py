"""What a team puts on `app.listener_runner`: handlers of an AsyncApp, error handlers, runners of its own."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from anchorbolt.testing.kit import Kit

from tests.unit.bolt.adopt.conftest import Refusal, Team

OF_ASYNC = """
    from slack_bolt.async_app import AsyncApp, AsyncAssistant
    from slack_bolt.listener.async_listener_completion_handler import AsyncListenerCompletionHandler
    from slack_bolt.listener.async_listener_start_handler import AsyncListenerStartHandler

    told = []

    class Start(AsyncListenerStartHandler):
        async def handle(self, request, response):
            told.append("start")

    class Completion(AsyncListenerCompletionHandler):
        async def handle(self, request, response):
            told.append("completion")

    app = AsyncApp(token="xoxb-1")
    app.listener_runner.listener_start_handler = Start()
    app.listener_runner.listener_completion_handler = Completion()

    class Bot:
        async def mentioned(self, event, say):
            told.append(event["text"])
            await say("hi")

    async def failed(request, logger):
        told.append("failed")
        raise LookupError("x")

    assistant = AsyncAssistant()

    @assistant.thread_started
    async def started(say):
        told.append("assistant")

    app.event("app_mention")(Bot().mentioned)
    app.event("reaction_added")(failed)
    app.assistant(assistant)
"""
REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"event": "app_mention", "text": "hello"}, "hello"),
    ({"event": "reaction_added", "raise_errors": False}, "failed"),
    ({"event": "assistant_thread_started"}, "assistant"),
]
ERRORS = """
    from slack_bolt import App, BoltResponse
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.listener.async_listener_error_handler import AsyncListenerErrorHandler
    from slack_bolt.listener.listener_error_handler import ListenerErrorHandler

    told = []

    class Errors(ListenerErrorHandler):
        def handle(self, error, request, response):
            told.append((type(error).__name__, request.body["command"]))
            response.status, response.body = 200, "sorry"

    class AsyncErrors(AsyncListenerErrorHandler):
        async def handle(self, error, request, response):
            told.append((type(error).__name__, request.body["command"]))
            response.status, response.body = 200, "sorry"

    def deploy():
        raise LookupError("x")

    async def deploy_async():
        raise LookupError("x")

    app = App(token="xoxb-1")
    app.listener_runner.listener_error_handler = Errors()
    app.command("/deploy")(deploy)
    other = AsyncApp(token="xoxb-1")
    other.listener_runner.listener_error_handler = AsyncErrors()
    other.command("/deploy")(deploy_async)

    def add(app):
        app.listener_runner.listener_error_handler = AsyncErrors()
        app.command("/deploy")(deploy)
"""


@pytest.mark.parametrize(("sent", "told"), REQUESTS)
def test_the_handlers_of_an_asynchronous_app_are_called(team: Team, sent: dict[str, Any], told: str) -> None:
    """Around each listener, also where it raises or is an assistant's."""
    name = team(OF_ASYNC)
    kit = Kit(name)
    try:
        kit.send(**sent)
    finally:
        kit.close()
    assert sys.modules[name].told == ["start", told, "completion"]


@pytest.mark.parametrize("attribute", ["app", "other", "add"])
def test_an_error_handler_that_is_an_object(team: Team, attribute: str) -> None:
    """Its `handle` is called with the error and the request, and the response that it changes is the answer."""
    name = team(ERRORS)
    kit = Kit(f"{name}:{attribute}")
    try:
        answer = kit.send(command="/deploy", raise_errors=False)
    finally:
        kit.close()
    assert sys.modules[name].told == [("LookupError", "/deploy")]
    assert (answer.status, answer.body) == (200, "sorry")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "from slack_bolt.lazy_listener import ThreadLazyListenerRunner\n"
            "class Mine(ThreadLazyListenerRunner): ...\n"
            "app = App(token='x')\napp.listener_runner.lazy_listener_runner = Mine(app.logger, None)",
            "App: lazy_listener_runner is Mine: ",
        ),
        (
            "from slack_bolt.listener.asyncio_runner import AsyncioListenerRunner\n"
            "class Mine(AsyncioListenerRunner): ...\n"
            "app = AsyncApp(token='x')\napp._async_listener_runner.__class__ = Mine",
            "AsyncApp: listener_runner is Mine: ",
        ),
        (
            "class Start:\n    def handle(self, request, response): ...\n"
            "def register(app):\n    app.listener_runner.listener_start_handler = Start()",
            "listener_start_handler has a synchronous `handle`: make it `async def`",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(team: Team, refusal: Refusal, text: str, told: str) -> None:
    """A runner of a team's own, and a handler that would block the event loop, are refused with what to do instead."""
    (problem,) = refusal(team("from slack_bolt import App\nfrom slack_bolt.async_app import AsyncApp\n" + text))
    assert told in problem


def test_the_runners_of_bolts_adapters_are_taken(team: Team, bolt: BoltApp) -> None:
    """The adapters for AWS Lambda and others put a lazy runner of theirs on the app: ours takes its place."""
    text = (
        "from slack_bolt import App\napp = App(token='x')\n"
        "from slack_bolt.lazy_listener.runner import LazyListenerRunner\n"
        "Lambda = type('LambdaLazyListenerRunner', (LazyListenerRunner,), {'start': None, 'run': None})\n"
        "Lambda.__module__ = 'slack_bolt.adapter.aws_lambda.lazy_listener_runner'\n"
        "app.listener_runner.lazy_listener_runner = Lambda()\n"
    )
    register(bolt, team(text))
