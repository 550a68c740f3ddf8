"""A real synchronous standby for tests: a copy of a primary that streams from it, and can be cut off from it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.postgresql import PostgreSQL


class Standby(PostgreSQL):
    """A standby that streams from `primary`, which runs and waits for it at each commit from `start` on."""

    def __init__(self, directory: Path, primary: PostgreSQL) -> None:
        self._primary = primary
        self._frozen: int | None = None
        super().__init__(directory)

    def _make(self) -> None:
        source = f"host=127.0.0.1 port={self._primary.port} user=test application_name=standby"
        self._run("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "--no-sync", "-c", "fast")

    def start(self) -> None:
        """Starts it, and makes the primary wait for it."""
        super().start()
        self._primary.query("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self._primary.query("postgres", "SELECT pg_reload_conf()")

    def freeze(self) -> None:
        """Stops the process that receives from the primary: a transaction of the primary's waits from now on.

        To pause the replay would not do: a commit waits until the standby has written it, not until it has replayed it.
        """
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        (self._frozen,) = (int(one) for one in children if b"walreceiver" in Path(f"/proc/{one}/cmdline").read_bytes())
        os.kill(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        if self._frozen is not None:
            os.kill(self._frozen, signal.SIGCONT)
            self._frozen = None

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it, also where it is frozen."""
        self.thaw()
        super().stop(how)
