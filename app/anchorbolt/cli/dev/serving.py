"""The process that serves under `dev`: `python -m anchorbolt.cli.dev.serving CONTROL SOCKET...`, all file descriptors.

It imports all that serves, and waits until `dev` tells it over CONTROL to load the team's app, so that a saved change
does not wait for these imports. It reports whether that went well, and waits again, because the process before it may
still finish its work and hold the inbox. It serves when `dev` says so. `dev` opened the sockets and keeps them, so a
request that arrives between two of these processes waits in the sockets' queue.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from anchorbolt import main as composition
from anchorbolt import settings
from anchorbolt.cli.dev.folders import team_folders
from anchorbolt.cli.dev.report import LOAD, LONGEST_ORDER_BYTES, SERVE, Report
from anchorbolt.errors import AnchorboltError, InvalidSettingsError
from anchorbolt.lifecycle import garbage_collection, life, loop, start
from anchorbolt.settings.model import Settings
from anchorbolt.settings.otel import collector


def main(descriptors: Sequence[int]) -> int:
    """Waits for `dev`, loads the app, waits again, serves. Returns the exit code."""
    control, *sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    if sys.path[:1] != [working_directory := str(Path.cwd())]:
        sys.path.insert(0, working_directory)
    if control.recv(LONGEST_ORDER_BYTES) != LOAD:
        return 0  # `dev` is gone
    try:
        loaded = settings.load()
        start.configure_logs(loaded)
        start.require_needed(loaded)
        collector()
        # `dev` may be stopped in a debugger, and so may a listener: nobody counts the beats.
        loop.run(partial(_live, loaded, control, sockets), beat=lambda: None, beat_seconds=60)
    except InvalidSettingsError as error:
        for problem in error.problems:
            print(f"anchorbolt: {problem}", file=sys.stderr)
        return 1
    except AnchorboltError:  # the loop has logged it
        return 1
    return 0


async def _live(loaded: Settings, control: socket.socket, sockets: Sequence[socket.socket]) -> None:
    try:
        blocks = await composition.run_main_blocks(loaded)
        parts = composition.build(loaded, sockets, in_turn=True, blocks=blocks)
    except BaseException as error:
        control.sendall(Report(loaded=False, folders=team_folders(loaded.listeners, error)).as_line())
        raise
    control.sendall(Report(loaded=True, folders=team_folders(loaded.listeners)).as_line())
    control.setblocking(False)
    if await asyncio.get_running_loop().sock_recv(control, LONGEST_ORDER_BYTES) != SERVE:
        return  # `dev` is gone
    garbage_collection.calm()
    await life.live(parts)


if __name__ == "__main__":
    sys.exit(main([int(argument) for argument in sys.argv[1:]]))
