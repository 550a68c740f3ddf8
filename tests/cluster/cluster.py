"""The cluster that KUBECONFIG names, by its own kubectl; and, where it is ours, its nodes' power and wires."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.manifests.render import CLUSTER_HOME

# The program of ../shared/cluster, where the cluster is that one: it reaches the nodes, kills and cuts them.
CLUSTER = os.environ.get("CLUSTER", "")


def wait_until(what: str, done: Callable[[], bool], seconds: float, every_seconds: float = 0.5) -> float:
    """Asks until `done`, and says how many seconds it took. Fails with `what` when the time is over."""
    begin = time.monotonic()
    while not done():
        assert time.monotonic() - begin < seconds, f"{what}: not within {seconds} s"
        time.sleep(every_seconds)
    return time.monotonic() - begin


class Cluster:
    """kubectl, and what a test may do to a node."""

    def __init__(self) -> None:
        found = shutil.which("kubectl")
        self._kubectl = [found] if found else [str(CLUSTER_HOME / "bin" / "hyper"), "kubectl"]
        self.nodes = [n["metadata"]["name"] for n in self.get("nodes")["items"]]
        # `home` keeps the database, the recorder and the Slack emulator; a test takes `away` from the cluster.
        self.home, self.away = self.nodes[0], self.nodes[-1]

    @staticmethod
    def current_context() -> str:
        """The name of the cluster that kubectl talks to."""
        done = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    @property
    def reach(self) -> list[str]:
        """What a command must begin with to reach a node's address."""
        return [CLUSTER, "exec"] if CLUSTER else []

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True, seconds: float = 300) -> str:
        """Runs kubectl and gives what it printed; with check=False also what it complained about."""
        done = subprocess.run(
            [*self._kubectl, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=seconds
        )
        if check:
            assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
            return done.stdout
        return done.stdout + done.stderr

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them, as Kubernetes has it now."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def address(self, node: str) -> str:
        """The address at which a node takes traffic from outside."""
        addresses = self.get("node", node)["status"]["addresses"]
        return str(next(a["address"] for a in addresses if a["type"] == "InternalIP"))

    def ready(self, node: str) -> bool:
        """Whether Kubernetes counts the node as ready."""
        conditions = self.get("node", node)["status"]["conditions"]
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def wait_ready(self, node: str, ready: bool = True, seconds: float = 120) -> float:
        """Waits until a node is ready, or is not."""
        return wait_until(f"{node} ready={ready}", lambda: self.ready(node) is ready, seconds)

    def _do(self, what: str, node: str) -> None:
        subprocess.run([CLUSTER, what, node], check=True, capture_output=True, timeout=120)

    def power_off(self, node: str) -> None:
        """Every process of the node ends at once, as in a power cut."""
        self._do("kill", node)

    def power_on(self, node: str) -> None:
        """Power again: waits until the node is ready."""
        self._do("start", node)
        self.wait_ready(node)

    @contextmanager
    def cut_off(self, node: str) -> Iterator[None]:
        """Takes the node off the wire; its pods go on running, alone. Mended at the end, whatever happened."""
        self._do("cut", node)
        try:
            yield
        finally:
            self._do("mend", node)

    def name(self) -> str:
        """What cluster this is, for the reports."""
        info = self.get("nodes")["items"][0]["status"]["nodeInfo"]
        kind = "../shared/cluster (real Kubernetes in network namespaces of one machine)" if CLUSTER else "KUBECONFIG"
        return (
            f"{kind}: {len(self.nodes)} nodes, Kubernetes {info['kubeletVersion']}, {info['containerRuntimeVersion']}, "
            f"{os.cpu_count()} cores in all, shared with the load generator"
        )


def cluster_home_is_ours() -> bool:
    """Whether nodes may be killed and cut here."""
    return bool(CLUSTER) and Path(CLUSTER).exists()
