"""ingress/haproxy: the tier, with its own start.sh, DNS names and health checks."""

from __future__ import annotations

import csv
import shutil
import socket
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path

from tests.integration.ingress.proxies.process import INGRESS, Proxy, replaced


class HAProxy(Proxy):
    """Only ports and the name server differ from what a cluster runs."""

    name = "haproxy"
    program = "haproxy"
    package = "Debian: haproxy"
    hashes_names = True
    scale = 6

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """The shipped haproxy.cfg, conversation.lua and start.sh."""
        pod = self.cluster.pods[0]
        text = replaced(
            (INGRESS / "haproxy" / "haproxy.cfg").read_text(),
            {
                "bind :8080": f"bind 127.0.0.1:{self.port}",
                "bind :8404": f"bind 127.0.0.1:{self.internal_port}",
                "parse-resolv-conf": f"nameserver test 127.0.0.1:{self.cluster.names.port}",
                ':3000"': f':{pod.port}"',
                "port 3001": f"port {pod.internal_port}",
            },
        )
        if self.order != self.cluster.pods:
            text = in_order(text, [int(pod.name.rsplit("-", 1)[1]) for pod in self.order])
        (self.directory / "haproxy.cfg").write_text(text)
        shutil.copy(INGRESS / "conversation" / "conversation.lua", self.directory)
        run = self.directory / "run"
        run.mkdir(exist_ok=True)
        path = self.directory / "bin"
        path.mkdir(exist_ok=True)
        (path / "haproxy").unlink(missing_ok=True)
        (path / "haproxy").symlink_to(self.require())
        return ["/bin/sh", str(INGRESS / "haproxy" / "start.sh")], {
            "INGRESS_DIRECTORY": str(self.directory),
            "RUN_DIRECTORY": str(run),
            "PODS": str(self.scale),
            "PODS_DOMAIN": self.cluster.domain,
            "PATH": f"{path}:/usr/sbin:/usr/bin:/bin",
        }

    @property
    def statistics_at(self) -> Path:
        """The Unix socket of /stats and /metrics."""
        return self.directory / "run" / "stats.sock"

    def up(self) -> set[str]:
        """By HAProxy's own statistics."""
        rows = statistics(self.statistics_at, "pods")
        return {row["svname"].replace("pod", "anchorbolt") for row in rows if row["status"].startswith("UP")}

    def requests_of(self, backend: str) -> int:
        """The requests that Prometheus would read for a backend."""
        return int(self.metric(f'haproxy_backend_http_requests_total{{proxy="{backend}"}}'))

    def metric(self, name: str) -> float:
        """A value of /metrics, by its name and labels."""
        for line in page(self.statistics_at, "/metrics").splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")


def in_order(text: str, ordinals: Sequence[int]) -> str:
    """The server lines written out in an order that start.sh would never choose."""
    lines = []
    for line in text.splitlines():
        each = ordinals if "{ordinal}" in line and not line.lstrip().startswith("#") else [None]
        for n in each:
            lines.append(line if n is None else line.replace("{ordinal}", str(n)).replace("{id}", str(n + 1)))
    return "\n".join(lines) + "\n"


def page(at: Path | int, path: str) -> str:
    """A page of HAProxy itself, from a Unix socket or a port of loopback."""
    connection = HTTPConnection("127.0.0.1", at if isinstance(at, int) else None, timeout=5)
    if isinstance(at, Path):
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(5)
        connection.sock.connect(str(at))
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def statistics(at: Path | int, backend: str) -> list[dict[str, str]]:
    """The servers of a backend, as the statistics page tells them."""
    lines = page(at, "/stats;csv;norefresh").removeprefix("# ").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["pxname"] == backend]
    return [row for row in rows if row["svname"] not in {"BACKEND", "FRONTEND"}]
