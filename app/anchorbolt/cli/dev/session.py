"""One run of `dev`: from the start of the app to the end of its drain."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Mapping, Sequence

import httpx
from rich.console import Console

from anchorbolt.cli.dev.child import Child
from anchorbolt.cli.dev.demonstration import Demonstration, Ends, Sender
from anchorbolt.cli.dev.log_lines import LogLine
from anchorbolt.cli.dev.news import News
from anchorbolt.cli.dev.plan import Plan
from anchorbolt.cli.dev.processes import Processes
from anchorbolt.cli.dev.reloads import Reloads
from anchorbolt.cli.dev.show import show
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import SAMPLES
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.envelope import is_sent_over_sockets
from anchorbolt.emulator.socket_mode.player import SocketPlayer
from anchorbolt.emulator.socket_mode.sockets import Sockets

# The first import of an agent's libraries compiles thousands of modules. The log names the line that a long one is in.
LOADED_WITHIN_SECONDS = 180.0
READY_WITHIN_SECONDS = 30.0
END_WITHIN_SECONDS = 10.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Session:
    """Shows what the app does until somebody interrupts it, then drains it."""

    def __init__(
        self, plan: Plan, calls: Calls | None, scene: Scene, console: Console, sockets: Sockets | None = None
    ) -> None:
        """`sockets`: the emulator's connections where the app is in Socket Mode, otherwise None."""
        self._plan = plan
        self._sockets = sockets
        self._calls = calls
        self._scene = scene
        self._console = console
        self._news = News(plan, calls, console)
        self._ends = Ends()
        self._ready = False
        self._times_asked = 0
        self._asked = asyncio.Event()

    async def run(self, environment: Mapping[str, str], sockets: Sequence[socket.socket]) -> int:
        """Starts the app and waits for its end. Returns 0 if it was interrupted and ended well, otherwise 1."""
        loop = asyncio.get_running_loop()
        self._processes = Processes(environment, sockets, durable=self._plan.durable, read=self._read)
        for number in _SIGNALS:  # first, so that an interrupt always ends the child processes too
            loop.add_signal_handler(number, self._interrupted)
        since = time.time()
        self._news.misspelt()
        child = await self._processes.load()
        acting = asyncio.create_task(self._act(child, since), name="wait, play, serve")
        asked = asyncio.create_task(self._asked.wait(), name="wait for an interrupt")
        ended = asyncio.create_task(self._processes.ended(), name="wait for the app's end")
        try:
            await asyncio.wait([acting, asked, ended], return_when=asyncio.FIRST_COMPLETED)
            by_itself = ended.done() and not asked.done()
            await _cancelled(acting)
            if not asked.done() and not ended.done():  # it never became ready
                self._processes.drain()
                await asyncio.wait([ended], timeout=END_WITHIN_SECONDS)
                return 1
            began = time.monotonic()
            code = await ended
            await self._processes.last_lines()
            return self._tell_end(code, time.monotonic() - began, by_itself=by_itself)
        finally:
            self._processes.kill()
            for task in (acting, asked, ended):
                task.cancel()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    async def _act(self, child: Child, since: float) -> None:
        """Waits until the app is ready, and sends the demonstration. Returns only if the app never gets ready.

        `since`: when the app was started, in seconds of the epoch.
        """
        async with client() as http:
            awaited, limit = "imported", LOADED_WITHIN_SECONDS
            try:
                async with asyncio.timeout(limit):
                    report = await child.report()
                if report.loaded:  # otherwise it ends by itself, which `run` waits for
                    child.serve()
                awaited, limit = "ready", READY_WITHIN_SECONDS
                async with asyncio.timeout(limit):
                    await child.wait_until_ready(self._plan.readyz_url, http)
            except TimeoutError:
                self._news.quiet_lines()
                self._news.say(f"The app was not {awaited} within {limit:.0f} s.", "red")
                return
            self._ready = True
            if self._plan.demo:
                await self._play(self._player(http))
            reloads = Reloads(self._processes, self._news, self._plan.readyz_url, http)
            self._news.watching(report.folders if reloads.possible else None)
            self._news.serving(self._scene)
            await reloads.run(report.folders, since)

    def _player(self, http: httpx.AsyncClient) -> Sender:
        if self._sockets is not None:
            return SocketPlayer(self._sockets)
        assert self._plan.events_url is not None  # noqa: S101 - without sockets, requests are posted
        return Player(http, self._plan.events_url, self._plan.secret)

    async def _play(self, player: Sender) -> None:
        prefix = f"{self._plan.listeners}."
        demonstration = Demonstration(player, self._ends, self._calls, self._scene, prefix)
        kinds = [kind for kind in SAMPLES if self._sockets is None or is_sent_over_sockets(kind)]
        refused = 0
        with show(self._console, len(kinds)) as table:
            async for row in demonstration.rows(kinds):
                table.row(row)
                refused += not row.ack.ok
        well = "answered with 200" if self._sockets is None else "acknowledged"
        self._news.say(f"{len(kinds) - refused} of {len(kinds)} {well}.", "red" if refused else "green")

    def _read(self, line: LogLine) -> None:
        if line.ended is None:
            self._news.line(line)
        elif not self._ends.tell(line.ended):
            self._news.delivery(line.ended)

    def _interrupted(self) -> None:
        """The first interrupt drains the app, the second one makes it end sooner, the third one kills it."""
        self._times_asked += 1
        self._asked.set()
        if self._times_asked == 1:
            self._news.say("Draining: what was acknowledged is finished first. Ctrl-C again ends it sooner.")
            self._processes.drain()
        elif self._times_asked == 2:
            self._news.say("Ending it sooner: what still runs is handed back to the inbox. Ctrl-C again kills it.")
            self._processes.hasten()
        else:
            self._processes.kill()

    def _tell_end(self, code: int, seconds: float, *, by_itself: bool) -> int:
        if by_itself:
            self._news.quiet_lines()
            moment = "" if self._ready else " before it was ready"
            self._news.say(f"The app ended by itself with {code}{moment}.", "red")
            return 1
        self._news.say(f"Drained in {seconds:.1f} s; the app ended with {code}.", "red" if code else "green")
        return 1 if code else 0


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits for it. Raises what the task raised by itself."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
