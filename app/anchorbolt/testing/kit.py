"""The team's app with a Slack emulator behind it: what the fixture `anchorbolt` gives to a test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import slack_bolt
from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.base_client import BaseClient

import anchorbolt
from anchorbolt.bolt import listeners
from anchorbolt.bolt.adopt.target import targets
from anchorbolt.bolt.app import BoltApp
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.requests import build
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.testing import log_lines
from anchorbolt.testing.answer import Answer
from anchorbolt.testing.dispatch import Dispatch
from anchorbolt.testing.loop_thread import LoopThread
from anchorbolt.testing.slack import Slack

TOKEN = "xoxb-test"  # noqa: S105 - made up: only the emulator gets it
APP_TOKEN = "xapp-test"  # noqa: S105 - the same
SECONDS = 30.0
CLOSE_SECONDS = 5.0

_NOT_THEIRS = tuple(str(Path(module.__file__ or "").parent) for module in (anchorbolt, slack_bolt))


class Kit:
    """Sends requests to a team's listeners, which run as in the server, but without HTTP and without an inbox."""

    slack: Slack

    def __init__(self, app: str, folder: Path | None = None) -> None:
        """Loads the team's app.

        Args:
            app: what LISTENERS would name: `module` or `module:attribute`, several separated by commas.
            folder: where the module is looked for first; None: as Python does.

        Raises ListenersError, which says why it cannot be used.
        """
        if folder is not None and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        log_lines.configure()
        # Two loops, so that a listener that blocks the one of the app can call Slack all the same.
        self._slack_loop, self._app_loop = LoopThread("Slack emulator"), LoopThread("anchorbolt")
        self._emulator = Emulator()
        self._slack_loop.run(self._emulator.start())
        self._environment = _set_environment(
            SLACK_API_URL=self._emulator.api_url,
            SLACK_BOT_TOKEN=TOKEN,
            SLACK_APP_TOKEN=APP_TOKEN,
            SLACK_SIGNING_SECRET=EMULATOR_SECRET,
        )
        self.slack = Slack(self._emulator, self._slack_loop)
        self._scene = Scene(slack_url=self._emulator.url)
        self._bolt: BoltApp | None = None
        try:
            self._bolt = self._app_loop.run(self._load(app))
        except BaseException:
            self.close()
            raise
        self._dispatch = Dispatch(self._bolt, self._app_loop)

    def send(
        self,
        request: Mapping[str, Any] | None = None,
        /,
        *,
        raise_errors: bool = True,
        within_seconds: float = SECONDS,
        **fields: Any,
    ) -> Answer:
        """Sends a request to the app, and waits until all of its run has ended: lazy functions and threads too.

        `anchorbolt.send(command="/deploy", text="prod")`; docs/testing.md lists what a request may hold.

        Args:
            request: the request as a mapping, for example from a file.
            raise_errors: whether what the listener raised is raised here, or only in the answer.
            within_seconds: how long the run may take.
            fields: the fields of the request; they replace those of `request`.

        Raises:
            RequestFormatError: the request is written down in a way that cannot be meant.
            TimeoutError: the run took longer than `within_seconds`.
            Exception: what the listener raised and `@app.error` did not handle, if `raise_errors`.
        """
        __tracebackhide__ = True  # pytest shows the line of the test, and then the listener's own
        sample = build({**(request or {}), **fields}, self._scene)
        before = self._emulator.calls.count
        ended = self._dispatch.run(sample, within_seconds)
        if ended.error is not None and raise_errors:
            ended.error.add_note(f"raised by the listener {ended.listener}, of which Slack was told {ended.status}")
            raise ended.error.with_traceback(from_their_code(ended.error.__traceback__))
        return Answer(ended.status, ended.body, ended.listener, self.slack.calls_since(before), ended.error)

    def close(self) -> None:
        """Ends the app and the emulator, and restores the environment."""
        if self._bolt is not None:
            with suppress(TimeoutError):  # a listener that blocks the loop must not keep pytest from ending
                self._app_loop.start(self._bolt.close()).result(CLOSE_SECONDS)
        self._app_loop.close()
        self._slack_loop.run(self._emulator.stop())
        self._slack_loop.close()
        _restore_environment(self._environment)

    async def _load(self, app: str) -> BoltApp:
        """As the server does, with a running loop. Whatever address an app has for Slack, here it is the emulator's."""
        bolt = BoltApp(token=TOKEN, api_url=self._emulator.api_url)
        listeners.register(bolt, app)
        bolt.client.base_url = self._emulator.api_url
        for target in targets(app):
            point_at(self._emulator.api_url, vars(sys.modules[target.module]).values())
        await bolt.open()
        await bolt.learn_identity()
        return bolt


def point_at(api_url: str, values: Iterable[object]) -> None:
    """Lets the clients of a module call the emulator, also where a test has imported the module before the kit did."""
    for value in list(values):
        client = value.client if isinstance(value, App | AsyncApp) else value
        if isinstance(client, BaseClient | AsyncBaseClient):
            client.base_url = api_url


def from_their_code(traceback: TracebackType | None) -> TracebackType | None:
    """Returns a traceback from its first frame that is neither ours nor Bolt's; all of it where there is none."""
    frame = traceback
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_NOT_THEIRS):
        frame = frame.tb_next
    return frame or traceback


def _set_environment(**variables: str) -> dict[str, str | None]:
    """Sets variables, and returns what they were: a real token of the developer's must not reach a test."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    return before


def _restore_environment(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
