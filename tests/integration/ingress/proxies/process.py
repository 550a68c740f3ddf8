"""A proxy as a process of ours: started, watched, ended by its own pid."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from tests.integration.ingress.pods import Cluster, Pod
from tests.integration.ingress.wire import Slack, event, until
from tests.support.ports import free_port

INGRESS = Path(__file__).parents[4] / "ingress"


class Proxy(ABC):
    """One proxy in front of one cluster. `order` is the order in which it is told of the pods."""

    name: ClassVar[str]
    program: ClassVar[str]
    package: ClassVar[str]
    hashes_names: ClassVar[bool] = False
    checks_health: ClassVar[bool] = True
    sends_a_refusal_on: ClassVar[bool] = True
    refusals_told: ClassVar[float] = 0
    says_408: ClassVar[bool] = True
    keeps_request_id: ClassVar[bool] = True  # that of what is in front of it; else it makes its own
    needless_moves: ClassVar[float] = 0
    fullest: ClassVar[float] = 1.2  # the most that a pod may have of 4,000 conversations, against the mean

    def __init__(self, cluster: Cluster, directory: Path, order: Sequence[Pod] | None = None) -> None:
        self.cluster = cluster
        self.directory = directory
        self.order = list(order if order is not None else cluster.pods)
        self.port = free_port()
        self.internal_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Writes the files for loopback; returns the command and what it needs in its environment."""

    @abstractmethod
    def up(self) -> set[str]:
        """The names of the pods that it would send a request to."""

    def take(self, pod: Pod) -> None:
        """The pod is gone, and the proxy knows."""
        self.cluster.remove(pod)
        until(lambda: pod.name not in self.up(), f"{pod.name} is out", self.log)

    def give(self, pod: Pod) -> None:
        """The pod is there again, and the proxy knows."""
        self.cluster.add(pod)
        until(lambda: pod.name in self.up(), f"{pod.name} is back", self.log)

    @classmethod
    def replicas_agree(cls) -> bool:
        """Whether the installed version keeps the promise that replicas agree."""
        return True

    @classmethod
    def found(cls) -> str | None:
        """The program, wherever it is: beside the interpreter, on the path, or named by e.g. HAPROXY=/path."""
        beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"))
        return os.environ.get(cls.program.upper()) or shutil.which(cls.program, path=beside)

    @classmethod
    def require(cls) -> str:
        """The program; without it the test is skipped, or fails where everything must be there."""
        program = cls.found()
        if program is None:
            missing = f"{cls.program} is not installed ({cls.package}): NOTHING is known about ingress/{cls.name}"
            if os.environ.get("CI") == "true" or os.environ.get("ANCHORBOLT_REQUIRE_ALL") == "1":
                pytest.fail(missing)
            pytest.skip(missing)
        return program

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Runs until the block ends, and is ready at its beginning."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Starts it and waits until it knows every pod that is ready."""
        self.require()
        command, environment = self.render()
        log = (self.directory / f"{self.name}.log").open("wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        log.close()
        ready = {pod.name for pod in self.order if pod.ready}
        until(lambda: self._alive() and self.up() >= ready and self._answers(), f"{self.name} is ready", self.log)

    def _alive(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended by itself\n{self.log()}")
        return True

    def _answers(self) -> bool:
        with Slack(self.port) as slack:
            answered = slack.send(event("C0")).status in {200, 401}  # a stand-in; the app, which wants a signature
        self.cluster.forget()
        return answered

    def log(self) -> str:
        """What it wrote."""
        return self._whole_log()[-4000:]

    def complaints(self) -> str:
        """What it wrote of anything but a 200."""
        return "\n".join(line for line in self._whole_log().splitlines() if not re.search(r"\b200\b", line))[-4000:]

    def _whole_log(self) -> str:
        return (self.directory / f"{self.name}.log").read_text(errors="replace")

    def stop(self) -> None:
        """Ends it at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with every change made; one that finds nothing to change is a mistake of the test."""
    for old, new in changes.items():
        if old not in text:
            raise AssertionError(f"not in the shipped file any more: {old!r}")
        text = text.replace(old, new)
    return text
