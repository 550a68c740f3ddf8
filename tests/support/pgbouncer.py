"""A real PgBouncer in transaction mode before a PostgreSQL: Debian's binary, an unprivileged user, a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path

from tests.support.ports import free_port

WAIT_SECONDS = 30


class PgBouncer:
    """A pooler that trusts everybody on 127.0.0.1; two server connections for everybody together."""

    def __init__(self, postgres_port: int, *, pool_size: int = 2, ignores: str = "") -> None:
        """`ignores`: startup parameters that it does not refuse but throws away, separated by commas."""
        self.port = free_port()
        directory = Path(tempfile.mkdtemp(prefix="anchorbolt-pgbouncer-"))
        weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self._log = directory / "log"
        (directory / "users").write_text('"test" ""\n')
        (directory / "ini").write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={postgres_port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {directory / 'users'}\n"
            f"pool_mode = transaction\ndefault_pool_size = {pool_size}\n"
            f"ignore_startup_parameters = {ignores}\n"
        )
        unprivileged: list[str] = []
        if os.geteuid() == 0:
            unprivileged = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            for path in (directory, *directory.iterdir()):
                shutil.chown(path, "postgres", "postgres")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*unprivileged, str(binary()), str(directory / "ini")],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        self._wait()

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait(WAIT_SECONDS)

    def _wait(self) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError(f"PgBouncer did not start: {self._log.read_text()}") from None
                time.sleep(0.05)
            else:
                return


def binary() -> Path | None:
    """Where it is, if it is installed."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None
