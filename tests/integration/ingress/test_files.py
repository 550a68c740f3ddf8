"""The shipped files as files: they render, they know the app's limit, and start.sh writes what it says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from anchorbolt.settings.model import Settings

from tests.integration.ingress.proxies.process import INGRESS
from tests.manifests.render import render

FOLDERS = ["conversation", "haproxy-ingress", "envoy-gateway", "nginx/ingress", "nginx/gateway-fabric"]


# pods, unbuffered, and what a tier of several regions has: home, instead, hopped, map_differs, region.
BACKENDS = 7


def started(directory: Path, pods: str, peers: str = "") -> subprocess.CompletedProcess[str]:
    """start.sh with a program in HAProxy's place that does nothing."""
    (directory / "haproxy").write_text("#!/bin/sh\n")
    (directory / "haproxy").chmod(0o755)
    environment = {
        "PATH": f"{directory}:{os.environ['PATH']}",
        "INGRESS_DIRECTORY": str(INGRESS / "haproxy"),
        "RUN_DIRECTORY": str(directory),
        "PODS": pods,
        "PEERS": peers,
    }
    command = ["/bin/sh", str(INGRESS / "haproxy" / "start.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_limit_is_the_apps_own() -> None:
    """Each proxy refuses what the app would refuse for its size, and nothing smaller."""
    limit = Settings.model_fields["max_body_bytes"].default
    assert limit == 1 << 20
    for name in ("haproxy/haproxy.cfg", "haproxy-ingress/backend.yaml"):
        assert f"req.body_size gt {limit} " in (INGRESS / name).read_text()
    assert f"LARGEST = {limit}" in (INGRESS / "conversation/conversation.lua").read_text()
    assert "bufferLimit: 1Mi" in (INGRESS / "envoy-gateway/limits.yaml").read_text()
    assert "client-max-body-size: 1m" in (INGRESS / "nginx/ingress/virtualserver.yaml").read_text()
    assert "client_max_body_size 1m;" in (INGRESS / "nginx/gateway-fabric/affinity.yaml").read_text()


def test_start_writes_a_line_for_every_ordinal(tmp_path: Path) -> None:
    """For seven pods, each backend has seven servers, with the ids 1 to 7 in this order."""
    assert started(tmp_path, "7").returncode == 0
    lines = (tmp_path / "haproxy.cfg").read_text().splitlines()
    servers = [line.split() for line in lines if line.strip().startswith("server ")]
    wanted = [(f"pod-{n}", f'"anchorbolt-{n}.${{PODS_DOMAIN}}:3000"', str(n + 1)) for n in range(7)] * BACKENDS
    assert [(server[1], server[2], server[4]) for server in servers] == wanted


def test_start_writes_the_lines_of_every_other_region(tmp_path: Path) -> None:
    """Each of the PEERS has a server with its address, its port and an id of its own, and is known by its name."""
    assert started(tmp_path, "1", "us=us.example.com:8443 ap-1=10.0.0.1:9443").returncode == 0
    lines = [line.split() for line in (tmp_path / "haproxy.cfg").read_text().splitlines() if "region-" in line]
    servers = [line for line in lines if line[0] == "server"]
    assert [(server[1], server[2], server[4]) for server in servers] == [
        ("region-us", '"us.example.com:8443"', "1001"),
        ("region-ap-1", '"10.0.0.1:9443"', "1002"),
    ]
    assert [server[server.index("port") + 1] for server in servers] == ["8443", "9443"]


@pytest.mark.parametrize("peers", ["us", "us=", "us=host", "us=host:", "=host:1", "US=host:1"])
def test_start_refuses_a_peer_that_is_none(tmp_path: Path, peers: str) -> None:
    """A peer without a name, an address or a port ends the tier with a sentence."""
    told = started(tmp_path, "1", peers)
    assert told.returncode == 2
    assert "PEERS" in told.stderr


@pytest.mark.parametrize("pods", ["", "0", "07", "-1", "ten", "3; true"])
def test_start_refuses_a_scale_that_is_none(tmp_path: Path, pods: str) -> None:
    """A scale that is no whole number from 1 ends the tier with a sentence, before HAProxy starts."""
    told = started(tmp_path, pods)
    assert told.returncode == 2
    assert "PODS" in told.stderr
    assert not (tmp_path / "haproxy.cfg").exists()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_applied_whole(folder: str) -> None:
    """The real kustomize renders a folder, with every manifest that lies in it."""
    path = INGRESS / folder
    rendered = {(found["kind"], found["metadata"]["name"]) for found in render(path)}
    files = set(path.glob("*.yaml")) - {path / "kustomization.yaml", path / "values.yaml"}
    written = {
        (found["kind"], found["metadata"]["name"]) for file in files for found in yaml.safe_load_all(file.read_text())
    }
    assert written <= rendered
    assert any(kind == "ConfigMap" and name.startswith("anchorbolt-conversation") for kind, name in rendered)
