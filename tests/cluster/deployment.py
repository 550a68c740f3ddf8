"""`standard` with a Deployment in place of the StatefulSet: the article's advice, to measure one against the other."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from tests.cluster.tier import by_address, configured
from tests.manifests.render import Manifest


def as_deployment(kustomization: Manifest, write: Callable[[str, str], int]) -> None:
    """Turns the StatefulSet of a kustomization into a Deployment, which gives a lost node up after 30 s."""
    lost = [
        {"key": f"node.kubernetes.io/{why}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
        for why in ("unreachable", "not-ready")
    ]
    operations = [
        {"op": "replace", "path": "/kind", "value": "Deployment"},
        {"op": "remove", "path": "/spec/serviceName"},
        {"op": "remove", "path": "/spec/podManagementPolicy"},
        {"op": "remove", "path": "/spec/updateStrategy"},
        {"op": "add", "path": "/spec/strategy", "value": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}},
        {"op": "add", "path": "/spec/template/spec/tolerations", "value": lost},
    ]
    kustomization["patches"].append(
        {
            "target": {"kind": "StatefulSet", "name": "anchorbolt"},
            "patch": yaml.safe_dump(operations),
            "options": {"allowKindChange": True},
        }
    )
    configured(kustomization, write, by_address())
