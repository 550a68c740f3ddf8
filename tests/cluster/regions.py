"""Two regions of k8s/examples/large in one cluster, each in its site's namespace, on the database of three sites."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.kustomization import Kustomization
from tests.cluster.sites import REGIONS, Sites
from tests.cluster.stack import Stack
from tests.cluster.traffic import Line
from tests.manifests.render import ROOT, Manifest
from tests.support.regions.certificates import make_certificates

REPLICAS = 2


class Region(Stack):
    """The stack of one region: its example as it is, with the names of this cluster. `recorder` is the one of all."""

    def __init__(self, cluster: Cluster, sites: Sites, name: str, recorder: Region | None = None) -> None:
        super().__init__(cluster, "region", self._change)
        self.name, self._sites, self._recorder = name, sites, recorder or self
        self.namespace = sites.namespace(name)
        folder = ROOT / "var" / "cluster" / self.namespace
        self.kustomization = Kustomization("region", folder, cluster.home, self._change)
        self.kustomization.secrets["DATABASE_URL"] = sites.url()
        self.kustomization.settings["RECORDER_URL"] = f"http://recorder.{self._recorder.namespace}:8000/"

    def _change(self, kustomization: Manifest, write: Callable[[str, str], int]) -> None:
        """In place of the overlay the example, which is the overlay and the addresses; the same as in every region."""
        example = next(iter(kustomization["resources"])).replace("overlays/region", f"examples/large/{self.name}")
        kustomization["resources"] = [example]
        (peer,) = (name for name in REGIONS if name != self.name)
        hop = self._sites.in_this_cluster(f"{peer}=hop.{peer}.example.internal:8443")
        kustomization["configMapGenerator"].append(
            {"name": "anchorbolt-ingress", "behavior": "merge", "literals": [f"PEERS={hop}"]}
        )
        replicas = [{"op": "replace", "path": "/spec/replicas", "value": REPLICAS}]
        kustomization["patches"].append(
            {"target": {"kind": "StatefulSet", "name": "anchorbolt"}, "patch": yaml.safe_dump(replicas)}
        )
        for kind in ("PodMonitor", "PrometheusRule"):  # there is no Prometheus operator in a test cluster
            gone = f"$patch: delete\nkind: {kind}\nmetadata: {{name: any}}\n"
            kustomization["patches"].append({"target": {"kind": kind}, "patch": gone})

    def trust(self, certificates: Path) -> None:
        """Makes the Secret of the hops. `certificates`: the folder with tls.pem and ca.pem, one for all regions."""
        files = [f"--from-file={certificates / name}" for name in ("tls.pem", "ca.pem")]
        self.kubectl("create", "secret", "generic", "anchorbolt-region-tls", *files)

    def health(self) -> int:
        """What the region's health URL says to the global balancer; 0 if nothing."""
        url = self.url(self.cluster.home).replace("/slack/events", "/region")
        command = ["curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", url]
        done = subprocess.run([*self.cluster.reach, *command], capture_output=True, text=True, check=False)
        return int(done.stdout or 0)

    def command_line(self, *words: str) -> str:
        """`anchorbolt`, as an operator would call it in a pod."""
        return self.kubectl("exec", "anchorbolt-0", "-c", "app", "--", "anchorbolt", *words)

    def counted(self, backend: str) -> int:
        """How many requests the backend of that name has had, in all pods of the tier."""
        pods = self.get("pods", "-l", "app.kubernetes.io/name=anchorbolt-ingress")["items"]
        told = ""
        for pod in pods:
            path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}:8404/proxy/metrics"
            told += self.cluster.kubectl("get", "--raw", path)
        return sum(
            map(int, re.findall(rf'^haproxy_backend_http_requests_total{{proxy="{backend}"}} (\d+)', told, re.M))
        )

    def lines(self) -> list[Line]:
        """All that the listeners of all regions told so far."""
        return super().lines() if self._recorder is self else self._recorder.lines()


def start_regions(cluster: Cluster, sites: Sites) -> list[Region]:
    """Starts both regions on sites that are whole, and waits until they are ready."""
    eu = Region(cluster, sites, "eu")
    regions = [eu, Region(cluster, sites, "us", recorder=eu)]
    with tempfile.TemporaryDirectory() as folder:
        certificates = make_certificates(Path(folder))
        for region in regions:
            region.trust(certificates)
            region.apply()
    for region in regions:
        region.ready()
    return regions
