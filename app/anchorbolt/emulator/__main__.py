"""`python -m anchorbolt.emulator [PORT [HOST [SOCKET_PORT]]]`: the Slack emulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.errors import PortTakenError


async def serve(port: int, host: str, socket_port: int) -> None:
    """Serves until SIGINT or SIGTERM. Prints its URL first, and then what to set for an app that shall call it.

    Args:
        port: of the Web API; 0: any free port.
        host: the address to listen on.
        socket_port: of the WebSockets of Socket Mode; 0: any free port.
    """
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Emulator(host=host, port=port, socket_port=socket_port) as slack:
        sys.stdout.write(f"{slack.url}\nSLACK_API_URL={slack.api_url}\n")
        sys.stdout.flush()
        await ended.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m anchorbolt.emulator", description="Emulates Slack for an app.")
    parser.add_argument("port", type=int, nargs="?", default=0, help="of the Web API; 0, the default: any free one")
    parser.add_argument("host", nargs="?", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("socket_port", type=int, nargs="?", default=0, help="of Socket Mode (default: any)")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    try:
        asyncio.run(serve(given.port, given.host, given.socket_port))
    except PortTakenError as taken:
        sys.exit(str(taken))
