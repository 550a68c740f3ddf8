"""`python -m anchorbolt.emulator [PORT [HOST [SOCKET_PORT]]]`: the Slack emulator as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.errors import PortTakenError


async def serve(port: int, host: str, socket_port: int) -> None:
    """Serves until SIGINT or SIGTERM; its first line on standard output is its URL."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Emulator(host=host, port=port, socket_port=socket_port) as slack:
        sys.stdout.write(f"{slack.url}\n")
        sys.stdout.flush()
        await ended.wait()


def _arguments(given: list[str]) -> tuple[int, str, int]:
    port, host, socket_port = (*given, *("0", "127.0.0.1", "0")[len(given) :])
    return int(port), host, int(socket_port)


if __name__ == "__main__":
    try:
        asyncio.run(serve(*_arguments(sys.argv[1:])))
    except PortTakenError as taken:
        sys.exit(str(taken))
