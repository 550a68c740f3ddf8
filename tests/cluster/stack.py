"""One overlay of k8s/ in a namespace of its own, with listeners that tell a recorder what they did."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.image import require_this_tree
from tests.cluster.kustomization import Change, Kustomization
from tests.cluster.traffic import Line, Traffic
from tests.manifests.render import ROOT, SOCKET_MODE, render

# How long an overlay may take until all of it is ready: several times what it takes on two idle cores.
READY_WITHIN_SECONDS = 420


class Stack:
    """An overlay that runs: where it takes requests, what its listeners did, and what a test may change about it."""

    def __init__(self, cluster: Cluster, overlay: str, change: Change | None = None) -> None:
        self.cluster = cluster
        self.overlay = overlay
        self.namespace = f"anchorbolt-{overlay}-{uuid.uuid4().hex[:5]}"
        self.spoilt = False
        self._traffic: list[Traffic] = []
        self.kustomization = Kustomization(overlay, ROOT / "var" / "cluster" / self.namespace, cluster.home, change)

    def serves(self, overlay: str, change: Change | None) -> bool:
        """Whether this is the stack that a test asks for, as its tests before left it."""
        return not self.spoilt and (self.overlay, self.kustomization.change) == (overlay, change)

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None, seconds: float = 300) -> str:
        """kubectl, in this namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, check=check, stdin=stdin, seconds=seconds)

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object of this namespace."""
        return self.cluster.get("-n", self.namespace, *arguments)

    def start(self) -> None:
        """Makes the namespace, under the restricted profile, applies the overlay, waits until all of it is ready."""
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl("label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce=restricted")
        self.apply()
        self.ready()
        require_this_tree(lambda program: self.kubectl("exec", "deployment/recorder", "--", "python", "-c", program))

    def ready(self) -> None:
        """Waits until all of it is ready."""
        for workload in self.kubectl("get", "statefulset,deployment,daemonset", "-o", "name").split():
            self.settled(workload, READY_WITHIN_SECONDS)

    def stop(self) -> None:
        """Ends everything of this namespace and gives its volumes back; the next one keeps to a folder of its own."""
        for traffic in self._traffic:
            traffic.abandon()
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")
        wait_until(
            f"{self.namespace} gone",
            lambda: not self.cluster.kubectl("get", "namespace", self.namespace, "--ignore-not-found"),
            180,
        )
        for volume in self.cluster.get("pv")["items"]:
            claim = volume["spec"].get("claimRef", {})
            if claim.get("namespace") == self.namespace:
                self.cluster.kubectl("patch", "pv", volume["metadata"]["name"], "-p", '{"spec": {"claimRef": null}}')

    def describe(self) -> str:
        """What runs here, what happened last, and the last lines of every pod: for a failure's report."""
        parts = [self.kubectl("get", "pods", "-o", "wide", check=False)]
        parts.append(self.kubectl("get", "events", "--sort-by=.lastTimestamp", check=False)[-4000:])
        for pod in self.get("pods")["items"]:
            name = pod["metadata"]["name"]
            logs = self.kubectl("logs", name, "--all-containers", "--tail=15", check=False)
            parts.append(f"--- {name}\n{logs}")
        return "\n".join(parts)

    def rendered(self, kind: str, name: str = "") -> dict[str, Any]:
        """The one object of a kind (and name) as k8s/overlays has it, before what the test changed."""
        found = [
            manifest
            for manifest in render(ROOT / "k8s" / "overlays" / self.overlay)
            if manifest["kind"] == kind and name in ("", manifest["metadata"]["name"])
        ]
        assert len(found) == 1
        return found[0]

    def apply(self) -> None:
        """Applies the kustomization as it is now: its settings and secrets may have changed."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(self.kustomization.render()))

    def pods(self, component: str = "app") -> list[dict[str, Any]]:
        """The app's pods (or the workers), in the order of their names."""
        label = f"app.kubernetes.io/name=anchorbolt,app.kubernetes.io/component={component}"
        return sorted(self.get("pods", "-l", label)["items"], key=lambda pod: str(pod["metadata"]["name"]))

    def ready_pods(self, component: str = "app") -> list[str]:
        """The names of the pods that are ready and not about to end."""
        return [
            pod["metadata"]["name"]
            for pod in self.pods(component)
            if "deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
        ]

    def psql(self, query: str) -> str:
        """The answer of the database to a query, bare."""
        return self.kubectl("exec", "anchorbolt-postgres-0", "--", "psql", "-U", "anchorbolt", "-Atc", query).strip()

    def restart(self, workload: str, seconds: int = 400) -> None:
        """`kubectl rollout restart`, and waits for its end."""
        self.kubectl("rollout", "restart", workload)
        self.settled(workload, seconds)

    def settled(self, workload: str, seconds: int = 400) -> None:
        """Waits until a rollout is through."""
        self.kubectl("rollout", "status", workload, f"--timeout={seconds}s", seconds=seconds + 10)

    def url(self, node: str) -> str:
        """Where Slack would send to, by way of this node."""
        ports = self.get("service", self.kustomization.entry)["spec"]["ports"]
        port = next(port["nodePort"] for port in ports if port["name"] == "http")
        path = "/sockets" if self.overlay in SOCKET_MODE else "/slack/events"
        return f"http://{self.cluster.address(node)}:{port}{path}"

    def traffic(self, rate: float, work: float = 1.0, *more: str) -> Traffic:
        """Begins signed load, by way of the node that no test takes away. `work`: seconds that each listener takes."""
        secret = self.kustomization.secrets["SLACK_SIGNING_SECRET"].split(",")[0]
        command = [*self.cluster.reach, sys.executable, "-m", "tests.cluster.load"]
        command += ["--url", self.url(self.cluster.home), "--secret", secret, "--rate", str(rate), "--work", str(work)]
        command += ["--sockets"] if self.overlay in SOCKET_MODE else []
        self._traffic.append(Traffic([*command, *more], self.lines))
        return self._traffic[-1]

    def play(self) -> Iterator[dict[str, Any]]:
        """Sends one signed request of every kind; how each was answered, and the Web API calls that it led to."""
        secret, before = self.kustomization.secrets["SLACK_SIGNING_SECRET"], self.calls()[0]
        command = [*self.cluster.reach, sys.executable, "-m", "tests.cluster.play", self.url(self.cluster.home), secret]
        command.append("http://anchorbolt-slack:3002/")
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as playing:
            assert playing.stdin
            assert playing.stdout
            for line in playing.stdout:
                count, made = before, [""]
                while made:  # until nothing more comes of it
                    time.sleep(0.4)
                    count, made = self.calls(count)
                yield json.loads(line) | {"calls": self.calls(before)[1]}
                before = count
                playing.stdin.write("\n")
                playing.stdin.flush()

    def calls(self, since: int = 0) -> tuple[int, list[str]]:
        """How many Web API calls the Slack emulator had, and the methods of those after number `since`."""
        path = f"/api/v1/namespaces/{self.namespace}/services/anchorbolt-slack:3002/proxy/calls?since={since}"
        told = json.loads(self.cluster.kubectl("get", "--raw", path))
        return told["count"], [call["method"] for call in told["calls"]]

    def leak(self) -> str:
        """Sends one event whose listener takes memory until its process ends; its event_id."""
        once = self.traffic(1, 1.0, "--kind", "event", "--leak", "--count", "1")
        wait_until("the leak is sent", lambda: bool(once.sent_so_far()), 30)
        return once.sent_so_far()[0].id

    def lines(self) -> list[Line]:
        """All that the listeners told so far."""
        path = f"/api/v1/namespaces/{self.namespace}/services/recorder:8000/proxy/lines"
        return [Line(**line) for line in json.loads(self.cluster.kubectl("get", "--raw", path))]
