"""Runs `anchorbolt` in processes that are forked from one in which all of it is imported.

Importing is most of the CPU that a command takes, and no module reads a setting when it is imported
(tests/unit/test_settings.py). So a command does here what it does when it is started, in a process, a folder and an
environment of its own, and takes a tenth of the CPU.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from anchorbolt.cli import main

ROOT = Path(__file__).resolve().parents[2]
WITHIN_SECONDS = 60
IMPORTED = ("cli.check", "cli.inbox", "cli.migrate", "cli.region", "cli.workspaces", "main", "inbox.postgresql")


def run(directory: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs `anchorbolt` with these arguments in a folder, with nothing else in its environment.

    Returns what it printed, and its exit code; it is negative where a signal ended the command, as after
    WITHIN_SECONDS. May be called by several threads at once.
    """
    asked = json.dumps({"directory": str(directory), "environment": dict(environment), "arguments": list(arguments)})
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained, ours:
        with theirs:
            fds = [said.fileno(), complained.fileno(), theirs.fileno()]
            socket.send_fds(_server(), [asked.encode()], fds)
        code = ours.recv(16)
        assert code, "the process that forks commands is there"
        said.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess(arguments, int(code), said.read().decode(), complained.read().decode())


@functools.cache
def _server() -> socket.socket:
    """Starts the process that forks, once in a process of tests; it ends with that one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.support.forked_commands", str(theirs.fileno())],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    atexit.register(server.wait)
    atexit.register(ours.close)  # which runs first, and ends it
    return ours


def _serve(asking: socket.socket) -> None:
    """Forks for each command. Returns in the process that is to run it, which has everything that it needs."""
    for name in IMPORTED:
        import_module(f"anchorbolt.{name}")
    assert threading.active_count() == 1, "no import starts a thread, which a fork would lose"
    gc.collect()
    gc.freeze()  # the end of each command would look at all of it, and copy its memory
    while True:
        asked, fds, _, _ = socket.recv_fds(asking, 1 << 20, 3)
        if not asked:
            sys.exit()
        if os.fork() == 0:
            asking.close()
            break
        for fd in fds:
            os.close(fd)
        with contextlib.suppress(ChildProcessError):  # there is none
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    said, complained, answer = fds
    if command := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        os.write(answer, str(code).encode())
        os._exit(0)
    os.close(answer)
    _become(json.loads(asked), said, complained)


def _become(asked: dict[str, Any], said: int, complained: int) -> None:
    """Takes over folder, environment, arguments and output of a command."""
    signal.alarm(WITHIN_SECONDS)
    os.chdir(asked["directory"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[1:] = asked["arguments"]
    os.dup2(said, 1)
    os.dup2(complained, 2)
    for fd in (said, complained):
        os.close(fd)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    main()
