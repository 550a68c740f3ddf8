"""Server processes of a bench: started on a core of their own, read from /proc, ended by their own pid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """CPU seconds of a process and its children, since they began."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user - other.user, self.system - other.system)


class ServerProcess:
    """One server under test, with its children, pinned to `core`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, core: int) -> None:
        self._log = log
        self._began = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                # Bytecode may be kept, as the image has it: else every start of ours would compile for seconds.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid

    async def answers(self, port: int, path: str | None, within_seconds: float = 30) -> float:
        """Waits until the port accepts (and `path` answers 200); the seconds since the start."""
        while time.perf_counter() - self._began < within_seconds:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with {self._process.returncode}:\n{self.log_tail()}")
            if await asyncio.to_thread(_answers, port, path):
                return time.perf_counter() - self._began
            await asyncio.sleep(0.01)
        raise RuntimeError(f"the server was not ready within {within_seconds} s:\n{self.log_tail()}")

    def cpu(self) -> Cpu:
        return cpu(self.pid)

    def memory_mib(self) -> float:
        """Resident memory of the process and its children; pages that they share are counted once, as a cgroup does."""
        return memory_mib(self.pid)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to what is left of its tree after 15 s."""
        tree = _tree(self.pid)
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, 15)
        except subprocess.TimeoutExpired:
            for pid in tree:
                os.kill(pid, signal.SIGKILL)
            self._process.wait(5)

    def log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-3_000:]


def cpu(root: int) -> Cpu:
    """Of a process and its children that live, and of the children that the first has seen end."""
    user = system = 0
    for pid in _tree(root):
        fields = [int(field) for field in _stat(pid)[11:15]]
        user, system = user + fields[0], system + fields[1]
        if pid == root:
            user, system = user + fields[2], system + fields[3]
    return Cpu(user / _TICKS, system / _TICKS)


def two_cores() -> list[int]:
    """Keeps this process on the second core: the load, the Web API and the database share it; servers have the first.

    Returns the cores. Ends the bench where there is only one.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    os.sched_setaffinity(0, {cores[1]})
    return cores


def end_well() -> None:
    """From now on SIGTERM ends a bench as an interrupt does: what it started is ended too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _answers(port: int, path: str | None) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            if path is None:
                return True
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return b" 200 " in connection.recv(4096).split(b"\r\n")[0]
    except OSError:
        return False


def memory_mib(root: int) -> float:
    """Resident memory of a process and its children; pages that they share are counted once, as a cgroup does."""
    return memory(root).total_mib


@dataclass(frozen=True)
class Memory:
    """Of a process and its children, in MiB: what only the first has, what only its children have, what is shared."""

    first_mib: float
    children_mib: float
    shared_mib: float

    @property
    def total_mib(self) -> float:
        return self.first_mib + self.children_mib + self.shared_mib


def memory(root: int) -> Memory:
    """Files that other programs map too (libc, Python itself) are counted whole: a pod may be alone on its node."""
    found = [sizes for pid in _tree(root) if (sizes := _rollup(pid))]
    own = [sizes["Private_Dirty"] for sizes in found] or [0]
    anonymous = sum(sizes["Pss_Anon"] for sizes in found)
    # They run one program, so they map the same files.
    files = max((sizes["Rss"] - sizes["Anonymous"] for sizes in found), default=0)
    return Memory(own[0] / 2**10, sum(own[1:]) / 2**10, (anonymous + files - sum(own)) / 2**10)


def _rollup(pid: int) -> dict[str, int]:
    """The sums over all mappings of a process, in KiB."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        return {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
    return {}


def _tree(pid: int) -> list[int]:
    tree = [pid]
    for parent in tree:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
                tree += [int(child) for child in task.read_text().split()]
    return tree


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name in parentheses: 0 is the state, so 11 and 12 are the CPU times."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50
