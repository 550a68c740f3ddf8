"""One region: in the namespace of its site, a pod of the app and the shipped tier in front of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import httpx
from anchorbolt.emulator.scene import TEAM_ID

from tests.integration.ingress.proxies.process import INGRESS, replaced
from tests.support.app_process import AppProcess
from tests.support.regions.sites import PROXY_PORT, address, inside
from tests.support.waiting import until_answer

PORT, HOP_PORT, POOLER_PORT = 8080, 8443, 6432
# A folder of a test's is for root alone.
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
# All of the one workspace's requests have their home in the first region.
HOMES = f"{TEAM_ID} eu\nhash:0-99 us\n"
# A proxy before the database that asks Patroni which server is the primary, as docs/regions.md tells.
TO_THE_PRIMARY = Path(__file__).with_name("to-the-primary.cfg")


class Way(Enum):
    """How a pod reaches the database."""

    HOSTS = "all hosts in DATABASE_URL"
    HAPROXY = "a HAProxy that asks Patroni"
    POOLER = "PgBouncer before that HAProxy"


class Region:
    """`name` is the region's, `site` where it is; `peers` the addresses of the other regions' tiers by name."""

    def __init__(  # noqa: PLR0917 - what a region consists of
        self,
        name: str,
        site: str,
        directory: Path,
        environment: Mapping[str, str],
        slack_api_url: str,
        peers: Mapping[str, str],
    ) -> None:
        self.name, self.site = name, site
        self._directory = directory
        self._environment = {"HOST": "0.0.0.0", "PORT": "3000", "INTERNAL_PORT": "3001", "REGION": name} | dict(
            environment
        )
        self._slack_api_url = slack_api_url
        self._peers = dict(peers)
        self.way = Way.HOSTS
        self._proxies: list[subprocess.Popen[bytes]] = []
        self.app: AppProcess | None = None
        self.pids: set[int] = set()  # of all processes that ever served here

    @property
    def url(self) -> str:
        """Where the global balancer sends to."""
        return f"http://{address(self.site)}:{PORT}"

    def start(self) -> None:
        """Starts the tier and the pod."""
        self._directory.mkdir(exist_ok=True)
        environment = dict(self._environment)
        if self.way in {Way.HAPROXY, Way.POOLER}:
            self._start(["haproxy", "-W", "-db", "-f", str(TO_THE_PRIMARY)], {}, "to-the-primary")
            port = PROXY_PORT
            if self.way is Way.POOLER:
                port = POOLER_PORT
                environment["DATABASE_LISTEN_URL"] = environment["DATABASE_URL"]
                self._start_pooler()
            environment["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{port}/anchorbolt"
        self.app = AppProcess.start(self._directory, self._slack_api_url, prefix=inside(self.site), **environment)
        self._start_tier()

    def _start_pooler(self) -> None:
        """A PgBouncer in transaction mode, on the way to whoever leads."""
        settings = self._directory / "pgbouncer.ini"
        users = self._directory / "users"
        users.write_text('"postgres" ""\n')
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={PROXY_PORT}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {POOLER_PORT}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
            "pool_mode = transaction\ndefault_pool_size = 5\n"
        )
        unprivileged = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._start([*unprivileged, *READS_ALL, "pgbouncer", str(settings)], {}, "pgbouncer")

    def _start_tier(self) -> None:
        text = replaced(
            (INGRESS / "haproxy" / "haproxy.cfg").read_text(),
            {'"anchorbolt-{ordinal}.${PODS_DOMAIN}:3000"': "127.0.0.1:3000"},
        )
        (self._directory / "haproxy.cfg").write_text(text)
        (self._directory / "homes.map").write_text(HOMES)
        for file in (INGRESS / "conversation" / "conversation.lua", INGRESS / "haproxy" / "region.lua"):
            shutil.copy(file, self._directory)
        run = self._directory / "run"
        run.mkdir(exist_ok=True)
        variables = {
            "INGRESS_DIRECTORY": str(self._directory),
            "RUN_DIRECTORY": str(run),
            "PODS": "1",
            "PODS_DOMAIN": "none",
            "REGION": self.name,
            "PEERS": " ".join(f"{name}={where}" for name, where in self._peers.items()),
            "REGION_DIRECTORY": str(self._directory),
            "REGION_TLS_DIRECTORY": str(self._directory.parent),
        }
        self._start(["/bin/sh", str(INGRESS / "haproxy" / "start.sh")], variables, "tier")

    def _start(self, command: list[str], variables: Mapping[str, str], log: str) -> None:
        environment = {"PATH": f"/usr/sbin:{os.environ['PATH']}", **variables}
        with (self._directory / f"{log}.log").open("ab") as output:
            command = [*inside(self.site), *command]
            self._proxies.append(subprocess.Popen(command, stdout=output, stderr=output, env=environment))

    async def until_up(self, http: httpx.AsyncClient) -> None:
        """Until the region takes traffic, by its own health URL."""

        async def is_up() -> bool:
            assert self.app is not None
            assert self.app.exit_code is None, self.app.log_text()[-3000:]
            # A HAProxy that has just begun takes a fixed address for up until its first check.
            return bool(self.app.log("ready")) and await self.health(http) == 200 and self._checked()

        await until_answer(is_up, what=f"{self.name} takes traffic")
        self.note_pids()

    def _checked(self) -> bool:
        """Whether the tier has found both its pod and the region to be up, after it had found them down."""
        said = (self._directory / "tier.log").read_text(errors="replace")
        return all(said.count(f"Server {name}/pod-0 is UP") for name in ("pods", "region")) or "is DOWN" not in said

    def note_pids(self) -> None:
        """Notes which process serves now."""
        if self.app is not None and (pid := self.app.worker_pid) is not None:
            self.pids.add(pid)

    async def health(self, http: httpx.AsyncClient) -> int:
        """What the region's health URL answers; 0 where nothing does within a second."""
        try:
            async with asyncio.timeout(1):
                return (await http.get(f"{self.url}/region", timeout=None)).status_code
        except (TimeoutError, httpx.TransportError):
            return 0

    def reap(self) -> None:
        """Ends what is left of it, and forgets it."""
        if self.app is not None:
            self.app.kill()
        for process in self._proxies:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._proxies.clear()

    def command_line(self, *arguments: str) -> str:
        """`anchorbolt`, as an operator would call it in the pod."""
        assert self.app is not None
        return self.app.command_line(*arguments, prefix=inside(self.site))
