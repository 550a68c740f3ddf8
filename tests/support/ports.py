"""Ports for servers of the tests."""

from __future__ import annotations

import random
import socket

# Below the range that Linux gives to clients, where the next one may take a port between the look and its use.
RANGE = range(15_000, 32_000)


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, chosen by chance so that test runs beside each other do not meet."""
    for _ in range(200):
        port = random.choice(RANGE)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port on {address}")
