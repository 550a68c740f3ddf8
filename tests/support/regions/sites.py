"""The script `regions` as an object: three sites with PostgreSQL under Patroni, to be cut, killed and mended."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgresql

SCRIPT = Path(__file__).with_name("regions")
SITES = ("r1", "r2", "r3")
NET = "10.231.7"
HOST_ADDRESS = f"{NET}.254"  # what lies outside of all sites: Slack, and the global balancer
DATABASE = "anchorbolt"
PROXY_PORT = 5000
# The namespaces have fixed names: a machine has them once.
LOCK = Path(tempfile.gettempdir()) / "anchorbolt-regions.lock"


def unable() -> str | None:
    """Why this machine cannot have the sites, whatever is installed; None where it can."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        return "needs root and /dev/net/tun, to make network namespaces"
    probe = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True, text=True)
    return f"no network namespace can be made here: {probe.stderr.strip()}" if probe.returncode else None


def missing() -> str | None:
    """What has to be installed to bring the sites up; None where all is there."""
    if shutil.which("ip") is None or shutil.which("curl") is None:
        return "the commands ip and curl are not installed: apt-get install iproute2 curl"
    if shutil.which("etcd") is None:
        return "etcd is not installed: apt-get install etcd-server"
    if not postgresql.is_installed():
        return "PostgreSQL is not installed: apt-get install postgresql"
    if importlib.util.find_spec("patroni") is None:
        return "Patroni is not installed: it is in the dev group of uv.lock"
    if shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        return "HAProxy is not installed: apt-get install haproxy"
    return None


def address(site: str) -> str:
    """The address of everything in a site."""
    return f"{NET}.{site[1:]}"


def inside(site: str) -> list[str]:
    """A command that the command of a process in that site is appended to."""
    return ["ip", "netns", "exec", f"rg-{site}"]


class Sites:
    """What the script does. `delay_ms`: the distance between any two sites, one way."""

    def __init__(self, delay_ms: int = 0) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="anchorbolt-regions-"))
        self.home.chmod(0o755)
        self._environment = {
            **os.environ,
            "REGIONS_HOME": str(self.home),
            "REGIONS_DELAY_MS": str(delay_ms),
            "REGIONS_NET": NET,
            "REGIONS_NAME": "rg",
            "PATRONI_PYTHON": sys.executable,
            # So that no setting of a developer's reaches Patroni, which reads its own from there.
            "PYTHONPATH": "",
        }

    @contextmanager
    def running(self) -> Iterator[Sites]:
        """Up, with an empty database, until the block ends. Whoever else wants them meanwhile waits."""
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield from self._up()

    def _up(self) -> Iterator[Sites]:
        try:
            self.do("up", seconds=150)
            self.query(self.primary() or "r1", f"CREATE DATABASE {DATABASE}", database="postgres")
            yield self
        finally:
            self.do("down", seconds=60)
            shutil.rmtree(self.home, ignore_errors=True)

    def do(self, *words: str, seconds: float = 30) -> str:
        """One order of the script. Its output; raises CalledProcessError."""
        with (self.home / "orders.log").open("ab") as log:  # not a pipe: what it starts would hold that open
            done = subprocess.run(
                [str(SCRIPT), *words],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                timeout=seconds,
                check=True,
            )
        return done.stdout.decode().strip()

    def primary(self) -> str | None:
        """Which site leads, as Patroni says."""
        return self.do("primary") or None

    def until_primary(self, but: str = "", within_seconds: float = 90) -> str:
        """The site that leads, once one does that is not `but`."""
        until = time.monotonic() + within_seconds
        while not (found := self.primary()) or found == but:
            if time.monotonic() > until:
                raise AssertionError(f"no primary within {within_seconds:g} s:\n{self.log()}")
            time.sleep(0.2)
        return found

    def until_whole(self, within_seconds: float = 120) -> None:
        """Until there is a primary and both others confirm its commits."""
        until = time.monotonic() + within_seconds
        while self.do("standbys") != "2" or not self._both_confirm():
            if time.monotonic() > until:
                raise AssertionError(f"not whole within {within_seconds:g} s:\n{self.log()}")
            time.sleep(0.3)

    def _both_confirm(self) -> bool:
        """As the primary says itself: Patroni counts a standby that only just starts."""
        if (primary := self.primary()) is None:
            return False
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'"
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.query(primary, streaming, database="postgres") == "2"
        return False

    def until_follows(self, site: str, within_seconds: float = 120) -> None:
        """Until a site's server receives what the primary writes, whether or not it confirms."""
        until = time.monotonic() + within_seconds
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                if self.query(site, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == "1":
                    return
            if time.monotonic() > until:
                raise AssertionError(f"{site} does not follow within {within_seconds:g} s:\n{self.log()}")
            time.sleep(0.5)

    def query(self, site: str, sql: str, database: str = DATABASE) -> str:
        """What psql prints of a query to one server, a row a line."""
        command = ["psql", "-h", address(site), "-U", "postgres", "-d", database, "-XAtqc", sql]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=60)
        return done.stdout.strip()

    def url(self) -> str:
        """DATABASE_URL with all three servers, and the way round by the third site."""
        hosts = ",".join(address(site) for site in (*SITES, "r3"))
        ports = f"5432,5432,5432,{PROXY_PORT}"
        return f"postgresql://postgres@/{DATABASE}?host={hosts}&port={ports}&target_session_attrs=read-write"

    def log(self) -> str:
        """The ends of what Patroni and the script said."""
        files = [*(self.home / site / "patroni.log" for site in SITES), self.home / "orders.log"]
        return "\n".join(f"{file}:\n{file.read_text(errors='replace')[-1500:]}" for file in files if file.exists())
