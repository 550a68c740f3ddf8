"""Ports for servers of the tests and benches: each process has a range of its own, so that two never take one port."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

# Below the range that Linux gives to clients, where the next one may take a port between the look and its use.
FIRST, END = 15_000, 32_000
# More than any of our processes has in use at once, many times over.
PORTS_A_RANGE = 500
RANGES = (END - FIRST) // PORTS_A_RANGE


class Range:
    """Ports that no other process takes while this object lives, one after the other and then again from the first."""

    def __init__(self, number: int) -> None:
        """The range of this number or, where that is another process's, the next that is nobody's."""
        self._claim = socket.socket(socket.AF_UNIX)
        self.ports = range(0)
        for at in (n % RANGES for n in range(number, number + RANGES)):
            try:
                # A name that the kernel frees when this process ends, however it ends; it lies in no file system.
                self._claim.bind(f"\0anchorbolt-ports-{at}")
            except OSError:
                continue
            self.ports = range(FIRST + at * PORTS_A_RANGE, FIRST + (at + 1) * PORTS_A_RANGE)
            break
        else:
            raise RuntimeError(f"all {RANGES} ranges of ports are taken")
        self._next = self._in_turn()

    def free(self, address: str) -> int:
        """The next port that nobody listens on."""
        for _ in self.ports:
            port = next(self._next)
            with socket.socket() as probe:
                # As servers do: for a minute after its server has ended, a port is still that of old connections.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError:  # somebody's who does not ask here
                    continue
                return port
        raise RuntimeError(f"no free port on {address}")

    def close(self) -> None:
        """It is for others."""
        self._claim.close()

    def _in_turn(self) -> Iterator[int]:
        while True:
            yield from self.ports


_ranges: dict[int, Range] = {}  # by the process: after a fork the child takes one of its own


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, and that no other call here or in another process gives meanwhile."""
    pid = os.getpid()
    if pid not in _ranges:
        _ranges[pid] = Range(pid)
    return _ranges[pid].free(address)
