"""The app as it runs in production: `anchorbolt serve`, in a session of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support import forked_commands
from tests.support.forked import Forked
from tests.support.growing_file import GrowingFile
from tests.support.new_process import Order
from tests.support.ports import free_port
from tests.support.waiting import WITHIN_SECONDS, until, until_answer

ROOT = Path(__file__).resolve().parents[2]

# How the command line of this checkout is called.
ANCHORBOLT = (sys.executable, "-m", "anchorbolt")

# Short, so that tests are; each may be overridden.
QUICK = {
    "DRAIN_DELAY_SECONDS": "0",
    "DRAIN_TIMEOUT_SECONDS": "10",
    "BACKOFF_BASE_SECONDS": "0.05",
    "BACKOFF_CAP_SECONDS": "0.2",
    "LEASE_SECONDS": "3",
    "LOG_LEVEL": "DEBUG",
    "HOST": "127.0.0.1",
}

# aiohttp reads the machine's certificates when it is imported: 40 ms of CPU a process. No test reaches the internet.
NO_CERTIFICATES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


class AppProcess:
    """One process of the app and its workers; what it logs goes to a file."""

    # Whether they are forked where they can be, which takes an eighth of the CPU (tests/integration/conftest.py).
    forks = False

    def __init__(
        self,
        directory: Path,
        environment: dict[str, str],
        prefix: Sequence[str] = (),
        anchorbolt: Sequence[str] = (),
    ) -> None:
        """`prefix`: a command that the app's own is appended to, and that becomes it by exec.

        `anchorbolt`: how the command line is called, where it is not that of this checkout.
        """
        self.port, self.internal_port = free_ports()
        self.drain_socket = directory / f"drain-{self.port}.sock"
        own = {"PORT": str(self.port), "INTERNAL_PORT": str(self.internal_port)}
        own |= {"DRAIN_SOCKET": str(self.drain_socket)} | environment
        self.port, self.internal_port = int(own["PORT"]), int(own["INTERNAL_PORT"])
        self.log_file = directory / f"app-{self.port}.log"
        self._growing_log, self._log_lines = GrowingFile(self.log_file), list[dict[str, Any]]()
        self._directory = directory
        self._environment = self.bare_environment() | own
        fork = self.forks and not prefix and not anchorbolt
        self._process = self._forked() if fork else self._started([*prefix, *(anchorbolt or ANCHORBOLT)])

    @classmethod
    def start(
        cls,
        directory: Path,
        slack_api_url: str,
        *,
        prefix: Sequence[str] = (),
        anchorbolt: Sequence[str] = (),
        **settings: object,
    ) -> Self:
        """Starts it. `settings` by their names in the environment; `until_ready` waits for it."""
        own = {
            "SLACK_SIGNING_SECRET": EMULATOR_SECRET,
            "SLACK_BOT_TOKEN": "xoxb-made-up",
            "SLACK_API_URL": slack_api_url,
            "DATABASE_URL": f"sqlite+aiosqlite:///{directory / 'inbox.db'}",
        }
        return cls(directory, QUICK | own | {name: str(value) for name, value in settings.items()}, prefix, anchorbolt)

    def _started(self, anchorbolt: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [*anchorbolt, "serve"],
                cwd=self._directory,  # no .env of a developer's is read there
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _forked(self) -> Forked:
        return Forked(Order(["serve"], self._directory, self._environment, self.log_file, self.log_file))

    @property
    def url(self) -> str:
        """Where Slack posts to."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def internal_url(self) -> str:
        """The internal port, with a slash at its end."""
        return f"http://127.0.0.1:{self.internal_port}/"

    @property
    def pid(self) -> int:
        """The process that was started: gunicorn's master."""
        return self._process.pid

    @property
    def worker_pid(self) -> int | None:
        """The process that serves; None while there is none."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        children = found.read_text().split() if found.exists() else []
        return int(children[0]) if children else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @staticmethod
    def bare_environment() -> dict[str, str]:
        """What every process of the app needs, and nothing of ours."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | NO_CERTIFICATES

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """`anchorbolt` with these arguments."""
        return [*ANCHORBOLT, *arguments]

    def start_command(self, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        """`anchorbolt`, with the settings of this process; an operator's shell in the pod. `prefix`: as for the app."""
        return subprocess.Popen(
            [*prefix, *self.command(*arguments)],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_command(self, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """The same, once it has ended."""
        if self.forks and not prefix:
            return forked_commands.run(self._directory, self._environment, arguments)
        command = self.start_command(*arguments, prefix=prefix)
        said, complained = command.communicate()
        return subprocess.CompletedProcess(command.args, command.returncode, said, complained)

    def command_line(self, *arguments: str, prefix: Sequence[str] = ()) -> str:
        """What it prints, once it has ended with 0."""
        done = self.run_command(*arguments, prefix=prefix)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def until_ready(self, within_seconds: float = WITHIN_SECONDS) -> None:
        """Waits until /readyz answers 200."""
        async with self._prober() as http:

            async def is_ready() -> bool:
                assert self.exit_code is None, f"it ended with {self.exit_code}:\n{self.log_text()}"
                return await self._probe(http, "readyz") == 200

            await until_answer(is_ready, within_seconds, what=f"ready; its log says:\n{self.log_text()}")

    async def until_ended(self, within_seconds: float = WITHIN_SECONDS) -> int:
        """Its exit code, once it has ended."""
        await until(lambda: self.exit_code is not None, within_seconds, what="the process has ended")
        assert self.exit_code is not None
        return self.exit_code

    async def probe(self, path: str) -> int:
        """The status that a path of the internal port answers; 0 where nobody listens."""
        async with self._prober() as http:
            return await self._probe(http, path)

    @staticmethod
    def _prober() -> httpx.AsyncClient:
        return httpx.AsyncClient(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))

    async def _probe(self, http: httpx.AsyncClient, path: str) -> int:
        try:
            return (await http.get(self.internal_url + path, timeout=5)).status_code
        except httpx.TransportError:
            return 0

    async def drain(self) -> int:
        """What preStop executes, and its exit code; it ends when DRAIN_DELAY_SECONDS are over."""
        hook = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "anchorbolt.drain", env={"DRAIN_SOCKET": str(self.drain_socket)}
        )
        try:
            return await hook.wait()
        except asyncio.CancelledError:
            hook.kill()
            await hook.wait()
            raise

    def terminate(self) -> None:
        """What Kubernetes sends: SIGTERM, to the master alone."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT, to master and worker at once."""
        os.killpg(self.pid, signal.SIGINT)

    def freeze(self) -> None:
        """SIGSTOP to master and worker: a node that stands still."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if no time had gone by."""
        os.killpg(self.pid, signal.SIGCONT)

    def kill_master(self) -> None:
        """SIGKILL to the master alone: the worker is an orphan."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """SIGKILL to master and worker: what a node that dies does to them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def log_text(self) -> str:
        """Everything that it wrote."""
        return self.log_file.read_text(errors="replace")

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its log lines, all or those with this event."""
        new = self._growing_log.new_lines()
        self._log_lines += [json.loads(line.decode(errors="replace")) for line in new if line[:1] == b"{"]
        return [line for line in self._log_lines if event in (None, line.get("event"))]

    async def until_logged(self, event: str, within_seconds: float = WITHIN_SECONDS) -> list[dict[str, Any]]:
        """Waits until it said so."""
        return await until(lambda: self.log(event), within_seconds, what=f"the log says {event!r}")

    async def until_logged_where(
        self, within_seconds: float = WITHIN_SECONDS, **fields: object
    ) -> list[dict[str, Any]]:
        """Waits for lines with these fields."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log() if all(line.get(name) == value for name, value in fields.items())]

        return await until(found, within_seconds, what=f"a line of the log with {fields}")


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on now."""
    return free_port(), free_port()
