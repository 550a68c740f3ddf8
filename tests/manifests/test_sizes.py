"""Each overlay is the size that its name says."""

from __future__ import annotations

import re

import pytest
from anchorbolt.emulator.socket_mode.sockets import MOST_CONNECTIONS

from tests.manifests.render import BEHIND_THE_TIER, OVERLAYS, ROOT, one, overlay, pods, render, settings_of


@pytest.mark.parametrize(
    ("name", "workloads"),
    [
        ("simple", {"StatefulSet/anchorbolt": 1}),
        ("stateless", {"StatefulSet/anchorbolt": 3, "DaemonSet/anchorbolt-ingress": None}),
        ("standard", {"StatefulSet/anchorbolt": 3, "DaemonSet/anchorbolt-ingress": None}),
        (
            "workers",
            {"StatefulSet/anchorbolt": 3, "Deployment/anchorbolt-worker": None, "DaemonSet/anchorbolt-ingress": None},
        ),
        (
            "local",
            {
                "StatefulSet/anchorbolt": 3,
                "DaemonSet/anchorbolt-ingress": None,
                "StatefulSet/anchorbolt-postgres": 1,
                "Deployment/anchorbolt-slack": 1,
            },
        ),
        ("jobs", {"StatefulSet/anchorbolt": 3, "DaemonSet/anchorbolt-ingress": None}),
        ("region", {"StatefulSet/anchorbolt": 3, "DaemonSet/anchorbolt-ingress": None}),
        ("socket-single", {"StatefulSet/anchorbolt": 3}),
        ("socket-workers", {"StatefulSet/anchorbolt": 2, "Deployment/anchorbolt-worker": None}),
    ],
)
def test_workloads(name: str, workloads: dict[str, int | None]) -> None:
    """The workloads of an overlay and their replicas are those that the table in k8s/README.md promises."""
    found = {
        f"{m['kind']}/{m['metadata']['name']}": m["spec"].get("replicas")
        for m in overlay(name)
        if m["kind"] in ("StatefulSet", "Deployment", "DaemonSet")
    }
    assert found == workloads


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("simple", "sqlite+aiosqlite:////var/lib/anchorbolt/anchorbolt.db"),
        ("stateless", "sqlite+aiosqlite://"),
        ("standard", None),
        ("workers", None),
        ("local", None),
        ("jobs", None),
        ("region", None),
        ("socket-single", None),
        ("socket-workers", None),
    ],
)
def test_where_the_inbox_is(name: str, url: str | None) -> None:
    """The inbox is a file on the volume in simple, memory in stateless, and what the Secret says in the others."""
    assert settings_of(overlay(name)).get("DATABASE_URL") == url


@pytest.mark.parametrize("name", OVERLAYS)
def test_migrations_run_before_the_new_version_where_there_is_postgresql(name: str) -> None:
    """Where the inbox is PostgreSQL, every pod migrates first, with the same image; SQLite migrates itself."""
    for workload, pod in pods(overlay(name)).items():
        labels = pod["metadata"]["labels"]
        if labels["app.kubernetes.io/name"] != "anchorbolt" or labels["app.kubernetes.io/component"] == "job":
            continue  # a team's job does not open the inbox
        first = pod["spec"].get("initContainers", [])
        if name in ("simple", "stateless"):
            assert first == [], workload
        else:
            assert [(c["name"], c["args"], c["image"]) for c in first] == [
                ("migrate", ["migrate"], pod["spec"]["containers"][0]["image"])
            ], workload


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_bad_release_can_be_undone(name: str) -> None:
    """The StatefulSet is Parallel: under OrderedReady a stuck pod blocks `rollout undo` until somebody deletes it."""
    spec = one(overlay(name), "StatefulSet", "anchorbolt")["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}


def test_the_budget_lets_one_pod_go_at_a_time() -> None:
    """Two pods are never evicted at once, at whatever scale; a pod that is broken anyway blocks no drain."""
    for name in OVERLAYS:
        budgets = [m for m in overlay(name) if m["kind"] == "PodDisruptionBudget"]
        if name == "simple":
            assert budgets == []
            continue
        spec = one(overlay(name), "PodDisruptionBudget", "anchorbolt")["spec"]
        assert spec["maxUnavailable"] == 1
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_tier_knows_every_pod_that_the_autoscaler_may_make() -> None:
    """The tier has a line for each ordinal that the autoscaler may reach: a pod beyond them gets nothing."""
    scaled = tuple(render(ROOT / "tests" / "manifests" / "autoscaled"))
    tier = next(
        m for m in scaled if m["kind"] == "ConfigMap" and m["metadata"]["name"].startswith("anchorbolt-ingress-")
    )
    assert int(tier["data"]["PODS"]) >= one(scaled, "HorizontalPodAutoscaler", "anchorbolt")["spec"]["maxReplicas"]


def test_the_tier_has_every_file_that_its_configuration_names() -> None:
    """What haproxy.cfg and start.sh read from the mounted folder is in the ConfigMap that is mounted there."""
    files = next(m["data"] for m in overlay("standard") if m["kind"] == "ConfigMap" and "haproxy.cfg" in m["data"])
    text = files["haproxy.cfg"] + files["start.sh"]
    named = set(re.findall(r"(?:\$INGRESS_DIRECTORY|\$\{INGRESS_DIRECTORY\})/([\w.-]+)", text))
    assert {"haproxy.cfg", "conversation.lua"} <= named <= set(files)


def test_the_number_of_pods_is_the_autoscalers_alone() -> None:
    """With an autoscaler no manifest names replicas, or each `kubectl apply` would undo a scaling."""
    scaled = tuple(render(ROOT / "tests" / "manifests" / "autoscaled"))
    assert "replicas" not in one(scaled, "StatefulSet", "anchorbolt")["spec"]
    assert "replicas" not in one(overlay("workers"), "Deployment", "anchorbolt-worker")["spec"]


def test_the_tier_stands_on_every_node_that_lets_traffic_in() -> None:
    """A DaemonSet behind externalTrafficPolicy Local: a node that is lost takes no answer of the others with it."""
    for name in BEHIND_THE_TIER:
        assert one(overlay(name), "Service", "anchorbolt-ingress")["spec"]["externalTrafficPolicy"] == "Local"
        strategy = one(overlay(name), "DaemonSet", "anchorbolt-ingress")["spec"]["updateStrategy"]["rollingUpdate"]
        assert (strategy["maxSurge"], strategy["maxUnavailable"]) == (1, 0)


@pytest.mark.parametrize(("name", "connections"), [("socket-single", "single"), ("socket-workers", "all")])
def test_who_is_connected_in_socket_mode(name: str, connections: str) -> None:
    """The receivers connect to Slack, one of them or all; of all, there are never more than Slack allows."""
    settings = settings_of(overlay(name))
    assert (settings["RECEIVER"], settings["SOCKET_CONNECTIONS"]) == ("socket", connections)
    replicas = one(overlay(name), "StatefulSet", "anchorbolt")["spec"]["replicas"]
    assert connections == "single" or replicas < MOST_CONNECTIONS


@pytest.mark.parametrize("name", ["workers", "socket-workers"])
def test_the_workers_autoscaler_asks_for_lanes_and_ends_no_worker_in_doubt(name: str) -> None:
    """KEDA scales the Deployment by lanes that are due, never to zero, and keeps workers when it cannot ask."""
    scaler = one(overlay(name), "ScaledObject", "anchorbolt-worker")["spec"]
    assert scaler["scaleTargetRef"] == {"name": "anchorbolt-worker"}
    assert scaler["minReplicaCount"] >= 2
    assert scaler["fallback"]["replicas"] >= scaler["minReplicaCount"]
    assert [trigger["type"] for trigger in scaler["triggers"]] == ["postgresql"]
