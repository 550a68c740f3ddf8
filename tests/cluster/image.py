"""The image of this tree, built and brought to the nodes by whatever the cluster understands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from tests.cluster.cluster import CLUSTER, Cluster
from tests.cluster.kustomization import IMAGE
from tests.manifests.render import ROOT

KIND = "anchorbolt"

# The product alone; IMAGE is built from it, with the sample app in it.
PRODUCT = "localhost/anchorbolt:dev"
SAMPLE = ROOT / "app" / "anchorbolt_sample"

# What the packages hold, asked here and in a pod.
DIGEST = """
import anchorbolt, anchorbolt_sample, hashlib, pathlib
digest = hashlib.sha256()
for package in (anchorbolt, anchorbolt_sample):
    root = pathlib.Path(package.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + file.read_bytes())
print(digest.hexdigest())
"""


def build_and_load() -> None:
    """Builds IMAGE and loads it on every node. Where IMAGE is set, it is in a registry, or loaded, already."""
    if "IMAGE" in os.environ:
        return
    if CLUSTER:
        _run(CLUSTER, "image", PRODUCT, str(ROOT))
        _run(CLUSTER, "image", IMAGE, str(SAMPLE))
    elif shutil.which("docker") and (name := kind_cluster()):
        _run("docker", "build", "--tag", PRODUCT, str(ROOT))
        _run("docker", "build", "--tag", IMAGE, str(SAMPLE))
        _run("kind", "load", "docker-image", IMAGE, "--name", name)
    else:
        raise SystemExit("push the image where your cluster finds it, and set IMAGE=registry/name:tag")


def load(tag: str, folder: str) -> None:
    """Builds another image, of a folder, and loads it on every node. A cluster of neither kind must have it already."""
    if CLUSTER:
        _run(CLUSTER, "image", tag, folder)
    elif shutil.which("docker") and (name := kind_cluster()):
        _run("docker", "build", "--tag", tag, folder)
        _run("kind", "load", "docker-image", tag, "--name", name)


def kind_cluster() -> str:
    """The name of the kind cluster that kubectl talks to; empty if it is none."""
    context = Cluster.current_context()
    return context.removeprefix("kind-") if context.startswith("kind-") else ""


def require_this_tree(ask: Callable[[str], str]) -> None:
    """Fails where the image on the nodes is of another tree: one was left there, or loaded since under the same name.

    `ask` runs a program of Python in a pod, and gives what it printed.
    """
    ours = subprocess.run([sys.executable, "-c", DIGEST], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ask(DIGEST).strip() == ours.strip(), f"{IMAGE} on the nodes is not of {ROOT}: build and load it again"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
