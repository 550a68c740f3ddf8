"""A throw-away PostgreSQL cluster for a bench: Debian's binaries, an unprivileged user, durable settings as shipped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.support.ports import free_port


class Postgres:
    """A cluster in `directory`, pinned to `core`; trusts everybody on 127.0.0.1, holds nothing of worth."""

    def __init__(self, directory: Path, core: int) -> None:
        self._directory = directory / "postgres"
        self._binaries = _binaries()
        self._as_nobody = (
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        )
        self.port = free_port()
        self._directory.mkdir()
        if self._as_nobody:
            shutil.chown(self._directory, "nobody", "nogroup")
        data = self._directory / "data"
        self._run("initdb", "-D", str(data), "-U", "bench", "-A", "trust", "--no-instructions")
        with (directory / "postgres.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("taskset", "-c", str(core), *self._as_nobody, str(self._binaries / "postgres"), "-D", str(data)),
                    *("-p", str(self.port), "-k", str(self._directory), "-c", "listen_addresses=127.0.0.1"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        self._wait()

    def new_database(self, name: str) -> str:
        """Makes an empty database; its URL as the settings want it."""
        self._run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "postgres", "-qc", f"CREATE DATABASE {name}"
        )
        return f"postgresql+asyncpg://bench@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # fast shutdown
        self._process.wait(20)

    def version(self) -> str:
        return self._run("postgres", "--version").strip()

    def _wait(self) -> None:
        for _ in range(200):
            ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start: see its log")

    def _run(self, program: str, *arguments: str) -> str:
        command = [*self._as_nobody, str(self._binaries / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout


def _binaries() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if versions:
        return versions[-1]
    found = shutil.which("initdb")
    if not found:
        raise RuntimeError("no PostgreSQL here: apt-get install postgresql, or leave the variant out with --only")
    return Path(found).parent
