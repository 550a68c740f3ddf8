"""A release with a change of the schema: the image of an older commit becomes this one under load, and comes back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import CLUSTER
from tests.cluster.conftest import Stacks
from tests.cluster.report import Results
from tests.cluster.traffic import nothing_noticed
from tests.manifests.render import Manifest
from tests.support.upgrade.releases import OLD_COMMIT, old_release

APP = "statefulset/anchorbolt"
OLD_IMAGE = "localhost/anchorbolt:old"
REVISION = "SELECT revision FROM inbox"


def as_the_old_release(kustomization: Manifest, _: Callable[[str, str], int]) -> None:
    """The pods of the app as the older commit has them in its own k8s/base: the image, and the hook that drains."""
    spec = "/spec/template/spec"
    hook = {"httpGet": {"path": "/drain", "port": "internal"}}
    patch = [
        {"op": "replace", "path": f"{spec}/containers/0/image", "value": OLD_IMAGE},
        {"op": "replace", "path": f"{spec}/initContainers/0/image", "value": OLD_IMAGE},
        {"op": "replace", "path": f"{spec}/containers/0/lifecycle/preStop", "value": hook},
    ]
    target = {"kind": "StatefulSet", "name": "anchorbolt"}
    kustomization["patches"].append({"target": target, "patch": yaml.safe_dump(patch)})


@pytest.fixture(scope="module")
def old_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the older commit, on the nodes."""
    old = old_release(tmp_path_factory.mktemp("old"))
    if not CLUSTER or old is None:
        pytest.skip(f"needs the history with {OLD_COMMIT}, and CLUSTER to build its image")
    subprocess.run([CLUSTER, "image", OLD_IMAGE, str(old.root)], check=True, cwd=Path(CLUSTER).parent)
    return OLD_IMAGE


@pytest.mark.usefixtures("old_image")
def test_nobody_notices_an_upgrade_over_a_change_of_the_schema_and_its_way_back(
    stacks: Stacks, results: Results
) -> None:
    """From the old image to this one and back under load: no first answer fails, nothing is lost or runs twice."""
    # 1. the old release runs, with its schema
    stack = stacks("standard", change=as_the_old_release)
    assert stack.psql(REVISION) == "2"
    traffic = stack.traffic(20)
    traffic.go_on_for(5)
    # 2. one apply: the init container of the first new pod migrates, beside the old pods
    began = traffic.now()
    stack.kustomization.change = None
    stack.apply()
    stack.settled(APP)
    forth_seconds = traffic.now() - began
    assert int(stack.psql(REVISION)) > 2
    assert stack.kubectl("get", APP, "-o", "jsonpath={.spec.template.spec.containers[0].image}") != OLD_IMAGE
    traffic.go_on_for(5)
    # 3. one command, and the old release serves again, on the new schema
    began = traffic.now()
    stack.kubectl("rollout", "undo", APP)
    stack.settled(APP)
    back_seconds = traffic.now() - began
    assert stack.kubectl("get", APP, "-o", "jsonpath={.spec.template.spec.containers[0].image}") == OLD_IMAGE
    traffic.go_on_for(5)
    account = traffic.end()
    stack.spoilt = True  # its pods are of the old release
    timing = {"upgrade_seconds": round(forth_seconds), "way_back_seconds": round(back_seconds)}
    results.account("releases", f"{OLD_COMMIT} -> this -> {OLD_COMMIT}, schema 2 -> 6", account, **timing)
    # 4. nobody noticed
    nothing_noticed(account)
