"""The image of this tree, built and brought to the nodes by whatever the cluster understands."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.cluster.cluster import CLUSTER, Cluster
from tests.cluster.kustomization import IMAGE
from tests.manifests.render import ROOT

KIND = "anchorbolt"


def build_and_load() -> None:
    """Builds IMAGE and loads it on every node. Where IMAGE is set, it is in a registry, or loaded, already."""
    if "IMAGE" in os.environ:
        return
    if CLUSTER:
        _run(CLUSTER, "image", IMAGE, str(ROOT))
    elif shutil.which("docker") and (name := kind_cluster()):
        _run("docker", "build", "--tag", IMAGE, str(ROOT))
        _run("kind", "load", "docker-image", IMAGE, "--name", name)
    else:
        raise SystemExit("push the image where your cluster finds it, and set IMAGE=registry/name:tag")


def kind_cluster() -> str:
    """The name of the kind cluster that kubectl talks to; empty if it is none."""
    context = Cluster.current_context()
    return context.removeprefix("kind-") if context.startswith("kind-") else ""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
