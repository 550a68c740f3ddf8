"""A real PostgreSQL for tests: Debian's binaries, an unprivileged user, a free port, a folder that goes with it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from anchorbolt.inbox.postgresql import PostgresqlDatabase
from sqlalchemy.engine import make_url

from tests.support.ports import free_port

WAIT_SECONDS = 60


class PostgreSQL:
    """A cluster that trusts everybody on 127.0.0.1. Starts, stops, restarts, dies."""

    def __init__(self, directory: Path, *, fsync: bool = False, autovacuum: bool = True) -> None:
        """`fsync`: only where the power is cut; processes that die lose nothing without it. `autovacuum`: not where
        there are hundreds of databases, which it would look at without end."""
        directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and pytest's folders are for root alone: any other pytest that begins
            # makes them so again.
            directory = Path(tempfile.mkdtemp(prefix="anchorbolt-postgresql-"))
            weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
            shutil.chown(directory, "postgres", "postgres")
        self._directory = directory
        self._data = directory / "data"
        self._fsync = fsync
        self._autovacuum = autovacuum
        self._process: subprocess.Popen[bytes] | None = None
        self._migrated: str | None = None  # the name of a database with the schema that nobody connects to
        self.port = free_port()
        self._make()

    def _make(self) -> None:
        self._run("initdb", "-D", str(self._data), "-U", "test", "-A", "trust", "--no-sync", "--no-instructions")

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._directory),
            "fsync": "on" if self._fsync else "off",
            "autovacuum": "on" if self._autovacuum else "off",
            "max_connections": "200",
            "wal_retrieve_retry_interval": "100ms",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_unprivileged(), str(_binaries() / "postgres"), "-D", str(self._data), *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        until = time.monotonic() + WAIT_SECONDS
        while subprocess.run([str(_binaries() / "pg_isready"), "-q", *self._address()], check=False).returncode:
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {self.said()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it: SIGINT breaks off connections, SIGQUIT leaves a crash to recover from."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(WAIT_SECONDS)
            self._process = None

    def restart(self) -> None:
        """Ends it and starts it again."""
        self.stop()
        self.start()

    def new_database(self, template: str = "template1") -> str:
        """Makes an empty database, or a copy of another one. Its URL, as DATABASE_URL wants it."""
        name = f"test_{secrets.token_hex(6)}"
        self.query("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+asyncpg://test@127.0.0.1:{self.port}/{name}"

    def new_inbox(self) -> str:
        """Makes a database with the schema and nothing in it. Its URL. The migration runs once: the rest are copies."""
        if self._migrated is None:
            url = self.new_database()
            with ThreadPoolExecutor(1) as thread:  # an event loop may be running in this one
                thread.submit(asyncio.run, migrate(url)).result()
            self._migrated = url.rpartition("/")[2]
        return self.new_database(self._migrated)

    def query(self, database: str, sql: str) -> str:
        """What psql prints of a query, a row a line."""
        return self._run("psql", *self._address(), "-U", "test", "-d", database, "-XAtqc", sql)

    def dump(self, database: str) -> str:
        """What a backup of a database holds."""
        return self._run("pg_dump", *self._address(), "-U", "test", database)

    def said(self) -> str:
        """What is in its log."""
        return (self._directory / "log").read_text()

    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port)]

    def _run(self, program: str, *arguments: str) -> str:
        command = [*_unprivileged(), str(_binaries() / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout


async def migrate(url: str) -> None:
    """Makes the schema, as `anchorbolt migrate` does."""
    database = PostgresqlDatabase(make_url(url))
    try:
        await database.migrate()
    finally:
        await database.close()


def is_installed() -> bool:
    """Whether the binaries are here."""
    return bool(list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))) or shutil.which("initdb") is not None


def _binaries() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return versions[-1] if versions else Path(shutil.which("initdb") or "initdb").parent


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
