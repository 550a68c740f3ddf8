"""Processes of the app on one database, each behind a relay of its own, so that one can be cut off alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from anchorbolt.emulator.emulator import Emulator
from sqlalchemy.engine import make_url

from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.relay import Relay


@dataclass
class Pod:
    """A place for one process at a time, with its ports and its way to the database."""

    number: int
    relay: Relay
    directory: Path
    environment: dict[str, str]
    slack_api_url: str
    slack_relays: tuple[Relay, ...] = ()  # its way to Slack, where it can be cut
    anchorbolt: Sequence[str] = ()  # another release of the app has another one
    app: AppProcess = field(init=False)

    def start(self) -> None:
        """Starts a process, on the ports of the one before it."""
        self.directory.mkdir(exist_ok=True)
        self.app = AppProcess.start(self.directory, self.slack_api_url, anchorbolt=self.anchorbolt, **self.environment)
        self.environment |= {"PORT": str(self.app.port), "INTERNAL_PORT": str(self.app.internal_port)}

    def kill(self) -> None:
        """SIGKILL to the process of the moment."""
        self.app.kill()

    async def start_again(self) -> None:
        """After it was killed or has ended."""
        self.start()
        await self.app.until_ready()

    @property
    def worker_pids(self) -> set[int]:
        """The process that runs listeners now."""
        return {pid} if (pid := self.app.worker_pid) is not None else set()


class Pods:
    """All of them; they end with it."""

    def __init__(
        self,
        directory: Path,
        database_url: str,
        count: int,
        *,
        each: Sequence[dict[str, object]] = (),
        slack_relays: bool = False,
        anchorbolt: Sequence[str] = (),
        **settings: object,
    ) -> None:
        """`settings` for all of them, `each` for one after the other. `slack_relays`: one before Slack for each too.

        `anchorbolt`: how the command line of the release is called that they begin with.
        """
        self._each = each
        self._anchorbolt = anchorbolt
        self._slack_relays = slack_relays
        self.slack = Emulator()
        self._directory = directory
        self._url = make_url(database_url)
        self._count = count
        self._settings = {name: str(value) for name, value in settings.items()}
        self._stack = AsyncExitStack()
        self.pods: list[Pod] = []
        self.listener_log = ListenerLog(directory)

    async def __aenter__(self) -> Self:
        """Starts them, and waits until they are ready."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        slack = await self._stack.enter_async_context(self.slack)
        for number in range(self._count):
            assert self._url.port is not None
            relay = await self._stack.enter_async_context(Relay(self._url.port))
            url = self._url.set(port=relay.port).render_as_string(hide_password=False)
            environment = self.listener_log.environment | {"DATABASE_URL": url} | self._settings
            if self._each:
                environment |= {name: str(value) for name, value in self._each[number].items()}
            api_url: str = slack.api_url
            relays: tuple[Relay, ...] = ()
            if self._slack_relays:
                api_url, relays = await self._way_to_slack()
            directory = self._directory / f"pod-{number}"
            pod = Pod(number, relay, directory, environment, api_url, relays, self._anchorbolt)
            self.pods.append(pod)
            pod.start()
            self._stack.callback(pod.kill)
        await asyncio.gather(*(pod.app.until_ready() for pod in self.pods))

    async def _way_to_slack(self) -> tuple[str, tuple[Relay, ...]]:
        """The URL of the Web API through a relay, and through another one the connections of Socket Mode."""
        api = await self._stack.enter_async_context(Relay(self.slack.port))
        connections = await self._stack.enter_async_context(Relay(self.slack.sockets.port))
        self.slack.sockets.ports_by_host[f"127.0.0.1:{api.port}"] = connections.port
        return f"http://127.0.0.1:{api.port}/api/", (api, connections)

    async def __aexit__(self, *_: object) -> None:
        """Kills what runs."""
        await self._stack.aclose()

    def __getitem__(self, number: int) -> Pod:
        """By its number."""
        return self.pods[number]

    def logged(self, event: str) -> int:
        """How often any process said so."""
        return sum(len(pod.app.log(event)) for pod in self.pods)
