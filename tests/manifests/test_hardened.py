"""Every pod of every overlay keeps to the restricted Pod Security profile, and to more."""

from __future__ import annotations

import pytest

from tests.manifests.render import BEHIND_THE_TIER, OVERLAYS, SOCKET_MODE, containers, one, overlay, pods

ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


@pytest.mark.parametrize("name", OVERLAYS)
class TestRestricted:
    """The restricted profile of the Pod Security Standards, field by field."""

    def test_no_container_can_gain_rights(self, name: str) -> None:
        """No container escalates, keeps a capability, or writes to its root file system."""
        for workload, pod in pods(overlay(name)).items():
            for container in containers(pod):
                context = container["securityContext"]
                assert context["allowPrivilegeEscalation"] is False, workload
                assert context["capabilities"] == {"drop": ["ALL"]}, workload
                assert context["readOnlyRootFilesystem"] is True, workload

    def test_no_pod_runs_as_root(self, name: str) -> None:
        """Every pod runs as a number other than 0, under the runtime's seccomp profile."""
        for workload, pod in pods(overlay(name)).items():
            context = pod["spec"]["securityContext"]
            assert context["runAsNonRoot"] is True, workload
            assert context["runAsUser"] > 0, workload
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, workload

    def test_no_pod_reaches_into_its_node(self, name: str) -> None:
        """No pod shares a namespace, a port or a folder with its node."""
        for workload, pod in pods(overlay(name)).items():
            spec = pod["spec"]
            assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), workload
            assert not [port for c in containers(pod) for port in c.get("ports", ()) if "hostPort" in port], workload
            kinds = {kind for volume in spec.get("volumes", ()) for kind in volume if kind != "name"}
            assert kinds <= ALLOWED_VOLUMES, workload

    def test_no_pod_holds_a_token(self, name: str) -> None:
        """No pod gets a token of Kubernetes: none of them talks to it."""
        assert [
            w for w, pod in pods(overlay(name)).items() if pod["spec"].get("automountServiceAccountToken") is not False
        ] == []

    def test_memory_is_bounded_and_cpu_is_not(self, name: str) -> None:
        """Every container asks for what it needs; memory has a limit, CPU none (throttling eats into Slack's 3 s)."""
        for workload, pod in pods(overlay(name)).items():
            for container in containers(pod):
                resources = container["resources"]
                assert set(resources["requests"]) == {"cpu", "memory"}, workload
                assert set(resources["limits"]) == {"memory"}, workload


def test_secrets_are_files_and_never_variables() -> None:
    """The app's pods read the Secret as files: no container of theirs takes a variable from a Secret."""
    for name in OVERLAYS:
        for workload, pod in pods(overlay(name)).items():
            if pod["metadata"]["labels"]["app.kubernetes.io/name"] != "anchorbolt":
                continue
            for container in containers(pod):
                sources = [*container.get("env", ()), *container.get("envFrom", ())]
                assert not [source for source in sources if "secretRef" in source or "secretKeyRef" in str(source)], (
                    workload
                )
                assert {"name": "secrets", "mountPath": "/run/secrets/anchorbolt", "readOnly": True} in container[
                    "volumeMounts"
                ]


@pytest.mark.parametrize(
    ("name", "database"),
    [
        ("simple", False),
        ("stateless", False),
        ("standard", True),
        ("workers", True),
        ("socket-single", True),
        ("socket-workers", True),
    ],
)
def test_only_what_needs_the_database_may_reach_it(name: str, database: bool) -> None:
    """Out go DNS and 443, and 5432 only where the inbox is PostgreSQL."""
    policy = one(overlay(name), "NetworkPolicy", "anchorbolt")["spec"]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert ports == {53, 443} | ({5432} if database else set())


@pytest.mark.parametrize("name", BEHIND_THE_TIER)
def test_only_the_tier_reaches_the_public_port(name: str) -> None:
    """The sticky tier comes in on 3000 and 3001, the monitoring on 3001, and nobody else."""
    policy = one(overlay(name), "NetworkPolicy", "anchorbolt")["spec"]
    tier = pods(overlay(name))["DaemonSet/anchorbolt-ingress"]["metadata"]["labels"]
    by_port: dict[int, list[dict[str, object]]] = {3000: [], 3001: []}
    for rule in policy["ingress"]:
        for port in rule["ports"]:
            by_port[port["port"]] += rule["from"]
    assert [source["podSelector"]["matchLabels"].items() <= tier.items() for source in by_port[3000]] == [True]  # type: ignore[index]
    assert len(by_port[3001]) == 2


@pytest.mark.parametrize("name", SOCKET_MODE)
def test_in_socket_mode_nothing_comes_in_but_the_monitoring(name: str) -> None:
    """No ingress, no Service with an address, no public port; the monitoring alone comes in, on 3001."""
    manifests = overlay(name)
    assert not [m for m in manifests if m["kind"] == "DaemonSet" or "ingress" in m["metadata"]["name"]]
    services = [m["spec"] for m in manifests if m["kind"] == "Service"]
    assert [(s["clusterIP"], [port["port"] for port in s["ports"]]) for s in services] == [("None", [3001])]
    rules = one(manifests, "NetworkPolicy", "anchorbolt")["spec"]["ingress"]
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [[3001]]


@pytest.mark.parametrize("name", BEHIND_THE_TIER)
def test_the_tier_is_as_closed_as_the_app(name: str) -> None:
    """Requests alone come into the tier; it reaches names and the app alone; an eviction leaves one of its pods."""
    manifests = overlay(name)
    policy = one(manifests, "NetworkPolicy", "anchorbolt-ingress")["spec"]
    tier = pods(manifests)["DaemonSet/anchorbolt-ingress"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= tier.items()
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [8080]
    assert all(rule["to"] for rule in policy["egress"])
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 3000, 3001}
    budget = one(manifests, "PodDisruptionBudget", "anchorbolt-ingress")["spec"]
    assert (budget["minAvailable"], budget["selector"]["matchLabels"].items() <= tier.items()) == (1, True)
