"""The Dockerfile that docs/listeners.md shows, built and run: a team's app with a dependency of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster.cluster import CLUSTER, Cluster
from tests.manifests.render import ROOT

TEAM = Path(__file__).parent / "team"
TAG = "localhost/anchorbolt-team:dev"

# Run in the image, as its user and in its working directory.
PROGRAM = """
import importlib.metadata, os, subprocess, sys
import anchorbolt, openai
print(os.getuid(), os.getcwd(), sys.prefix, openai.__file__.startswith(sys.prefix))
print(subprocess.run(["anchorbolt", "check"], capture_output=True, text=True).stdout)
"""


def shown(page: Path) -> list[str]:
    """The Dockerfiles that a page shows."""
    return [block for block in page.read_text().split("```dockerfile\n")[1:] if block]


def test_the_dockerfile_is_the_documented_one() -> None:
    """What is built here is, letter by letter, what docs/listeners.md tells to write."""
    documented = [block.split("```")[0] for block in shown(ROOT / "docs" / "listeners.md")]
    assert (TEAM / "Dockerfile").read_text() in documented


def test_an_image_of_a_team_s_own_has_its_dependency_and_loads_its_app(cluster: Cluster) -> None:
    """`pip install` in a Dockerfile installs into the environment that serves, where the app is then loaded."""
    if not CLUSTER:
        pytest.skip("needs the builder: CLUSTER=.../shared/cluster/cluster")
    # 1. The documented Dockerfile is built from the product's image of this tree, which has no short name here.
    build = [
        CLUSTER,
        "image",
        TAG,
        str(TEAM),
        "--build-context",
        "anchorbolt=container-image://localhost/anchorbolt:dev",
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # 2. It runs in a pod, and tells what it has.
    settings = {
        "LISTENERS": "app",
        "DATABASE_URL": "sqlite://",
        "SLACK_SIGNING_SECRET": "made-up",
        "SLACK_BOT_TOKEN": "xoxb-made-up",
    }
    given = [f"--env={name}={value}" for name, value in settings.items()]
    asked = ["run", "team-image", f"--image={TAG}", "--image-pull-policy=Never", "--restart=Never", "--rm", "--attach"]
    told = cluster.kubectl(*asked, "--quiet", *given, "--command", "--", "python", "-c", PROGRAM)
    # 3. The user, the folder and the environment are the image's, and the app can be registered.
    assert told.splitlines()[0] == "10001 /app /opt/venv True"
    assert "listeners: app can be registered" in told
    assert "all is well" in told
