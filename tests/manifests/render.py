"""Renders an overlay as `kubectl apply -k` would, by the real kustomize."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("simple", "stateless", "standard", "workers", "local", "socket-single", "socket-workers", "jobs", "region")
# Slack reaches these through the sticky tier; in Socket Mode nothing reaches the app.
BEHIND_THE_TIER = ("stateless", "standard", "workers", "local", "jobs")
SOCKET_MODE = ("socket-single", "socket-workers")
CLUSTER_HOME = Path(os.environ.get("CLUSTER_HOME", Path.home() / ".cache" / "cluster"))

Manifest = dict[str, Any]


def renderer() -> list[str] | None:
    """The command that renders a folder: what `make kustomize` installed, else what the machine has, else None."""
    installed = ROOT / "var" / "bin" / "kustomize"
    hyper = CLUSTER_HOME / "bin" / "hyper"
    if installed.exists():
        return [str(installed), "build"]
    if kustomize := shutil.which("kustomize"):
        return [kustomize, "build"]
    if kubectl := shutil.which("kubectl"):
        return [kubectl, "kustomize"]
    return [str(hyper), "kubectl", "kustomize"] if hyper.exists() else None


def render(folder: Path) -> list[Manifest]:
    """Every object of a kustomize folder. Raises CalledProcessError with kustomize's own words."""
    command = renderer()
    assert command is not None, "neither kustomize nor kubectl is here: `make kustomize` installs it"
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@functools.cache
def overlay(name: str) -> tuple[Manifest, ...]:
    """Every object of k8s/overlays/NAME, rendered once a test run."""
    return tuple(render(ROOT / "k8s" / "overlays" / name))


def one(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The one object of that kind and name."""
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects are {kind}/{name}"
    return found[0]


def settings_of(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """The data of the generated ConfigMap of settings."""
    found = [
        m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"].startswith("anchorbolt-settings-")
    ]
    assert len(found) == 1
    data: dict[str, str] = found[0]["data"]
    return data


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """The pod template of every workload, by KIND/NAME."""
    return {
        f"{m['kind']}/{m['metadata']['name']}": m["spec"].get("jobTemplate", m)["spec"]["template"]
        for m in manifests
        if m["kind"] in ("StatefulSet", "Deployment", "DaemonSet", "Job", "CronJob")
    }


def containers(pod: Manifest) -> list[Manifest]:
    """All containers of a pod template, the init containers first."""
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
