"""The kustomization of one test: an overlay of k8s/, what it needs around it, and the test's own listeners."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.manifests.render import ROOT, SOCKET_MODE, Manifest, render

IMAGE = os.environ.get("IMAGE", "localhost/anchorbolt-sample:dev")
AROUND = {
    "simple": ["slack-emulator"],
    "stateless": ["slack-emulator"],
    "standard": ["postgres-dev", "slack-emulator"],
    "workers": ["postgres-dev", "slack-emulator"],
    "local": [],
    "region": ["slack-emulator"],
    "socket-single": ["postgres-dev", "slack-emulator"],
    "socket-workers": ["postgres-dev", "slack-emulator"],
}
# Where traffic comes in from outside; in Socket Mode the Slack emulator is asked to send.
ENTRY = {"simple": "anchorbolt"} | dict.fromkeys(SOCKET_MODE, "anchorbolt-slack")
BY_THE_TIER = "anchorbolt-ingress"
# What must outlive the node that a test takes away.
AT_HOME = (("StatefulSet", "anchorbolt-postgres"), ("Deployment", "anchorbolt-slack"), ("Deployment", "recorder"))

# Changes a kustomization before it is written; may write files beside it, by (name, text).
Change = Callable[[Manifest, Callable[[str, str], int]], None]


@dataclass
class Kustomization:
    """What a test applies. `settings` and `secrets` may change between two renderings."""

    overlay: str
    folder: Path
    home: str
    change: Change | None = None
    # Not in parts/: what a component sets, nobody above it can change.
    settings: dict[str, str] = field(
        default_factory=lambda: {"LISTENERS": "cluster_listeners", "PYTHONPATH": "/opt/cluster-tests"}
    )
    secrets: dict[str, str] = field(
        default_factory=lambda: {
            "SLACK_SIGNING_SECRET": "for-the-cluster-tests",
            "SLACK_BOT_TOKEN": "xoxb-for-trying-only",
            "SLACK_APP_TOKEN": "xapp-for-trying-only",
            "DATABASE_URL": "postgresql+asyncpg://anchorbolt:for-trying-only@anchorbolt-postgres:5432/anchorbolt",
        }
    )

    def __post_init__(self) -> None:
        """The volumes of a test cluster are used again, and nobody empties them: a file of its own; see PGDATA, too."""
        if self.overlay == "simple":
            self.settings["DATABASE_URL"] = f"sqlite+aiosqlite:////var/lib/anchorbolt/{self.folder.name}.db"

    @property
    def entry(self) -> str:
        """The Service that takes traffic from outside."""
        return ENTRY.get(self.overlay, BY_THE_TIER)

    def render(self) -> list[Manifest]:
        """Writes the kustomization, and gives every object of it."""
        up = Path(os.path.relpath(ROOT, self.folder))  # kustomize takes no absolute path
        image, tag = IMAGE.rsplit(":", 1)
        kustomization: Manifest = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [str(up / "k8s" / "overlays" / self.overlay)],
            "components": [
                *(str(up / "k8s" / "components" / part) for part in AROUND[self.overlay]),
                str(up / "tests" / "cluster" / "parts"),
            ],
            "images": [
                {"name": name, "newName": image, "newTag": tag}
                for name in ("anchorbolt", "localhost/anchorbolt-sample")
            ],
            "secretGenerator": [
                {
                    "name": "anchorbolt",
                    "behavior": "merge" if self.overlay == "local" else "create",
                    "options": {"disableNameSuffixHash": True},
                    "literals": [f"{key}={value}" for key, value in self.secrets.items()],
                }
            ],
            "configMapGenerator": [
                {
                    "name": "anchorbolt-settings",
                    "behavior": "merge",
                    "literals": [f"{key}={value}" for key, value in self.settings.items()],
                }
            ],
            "patches": self._patches(),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.change:
            self.change(kustomization, lambda name, text: (self.folder / name).write_text(text))
        (self.folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))
        return render(self.folder)

    def _patches(self) -> list[Manifest]:
        node = {"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"kubernetes.io/hostname": self.home}}
        there = AT_HOME[self.overlay == "region" :]  # whose database is not of this namespace
        patches = [_patch(kind, name, node) for kind, name in there]
        if self.overlay == "local" or "postgres-dev" in AROUND[self.overlay]:
            env = [{"name": "PGDATA", "value": f"/var/lib/postgresql/data/{self.folder.name}"}]
            spec = {"template": {"spec": {"containers": [{"name": "postgres", "env": env}]}}}
            database = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "anchorbolt-postgres"}}
            patches.append({"patch": yaml.safe_dump(database | {"spec": spec})})
        if self.entry != BY_THE_TIER:
            patches.append(_patch("Service", self.entry, {"op": "add", "path": "/spec/type", "value": "NodePort"}))
        if self.overlay in ("workers", "socket-workers"):  # there is no KEDA in a test cluster
            two = {"op": "add", "path": "/spec/replicas", "value": 2}
            patches.append(_patch("Deployment", "anchorbolt-worker", two))
            for kind in ("ScaledObject", "TriggerAuthentication"):
                gone: dict[str, Any] = {"$patch": "delete", "apiVersion": "keda.sh/v1alpha1", "kind": kind}
                patches.append({"patch": yaml.safe_dump(gone | {"metadata": {"name": "anchorbolt-worker"}})})
        return patches


def _patch(kind: str, name: str, *operations: dict[str, Any]) -> Manifest:
    return {"target": {"kind": kind, "name": name}, "patch": yaml.safe_dump(list(operations))}
