"""One of several regions: what its pods and its tier are told, and who may reach whom."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.manifests.render import ROOT, Manifest, containers, one, overlay, pods, render, settings_of
from tests.manifests.test_schema import KUBERNETES

LARGE = ROOT / "k8s/examples/large"


def config(manifests: tuple[Manifest, ...], name: str) -> dict[str, str]:
    """The data of the generated ConfigMap of that name."""
    (found,) = (m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"].startswith(f"{name}-"))
    data: dict[str, str] = found["data"]
    return data


def variables(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """What the tier is told by its ConfigMap."""
    return config(manifests, "anchorbolt-ingress")


def homes(manifests: tuple[Manifest, ...]) -> str:
    """The map."""
    return config(manifests, "anchorbolt-homes")["homes.map"]


def example(name: str) -> tuple[Manifest, ...]:
    """One of the example's folders."""
    return tuple(render(LARGE / name))


def test_the_tier_has_all_that_a_region_needs() -> None:
    """Its variables, the hop's port, the map, the certificate and the Lua that reads the map are there."""
    manifests = overlay("region")
    pod = pods(manifests)["DaemonSet/anchorbolt-ingress"]
    (haproxy,) = containers(pod)
    told = {variable["name"] for variable in haproxy["env"]}
    assert {"REGION", "PEERS", "REGION_DIRECTORY", "REGION_TLS_DIRECTORY"} <= told
    assert {port["name"]: port["containerPort"] for port in haproxy["ports"]}["hop"] == 8443
    folders = {mount["name"]: mount["mountPath"] for mount in haproxy["volumeMounts"]}
    values = {variable["name"]: variable.get("value") for variable in haproxy["env"]}
    assert folders["homes"] == values["REGION_DIRECTORY"]
    assert folders["region-tls"] == values["REGION_TLS_DIRECTORY"]
    files = config(manifests, "anchorbolt-conversation").keys()
    assert {"haproxy.cfg", "start.sh", "conversation.lua", "region.lua"} <= files
    hop = one(manifests, "Service", "anchorbolt-hop")["spec"]
    assert [(port["port"], port["targetPort"]) for port in hop["ports"]] == [(8443, "hop")]
    assert hop["selector"].items() <= pod["metadata"]["labels"].items()


def test_the_hop_and_prometheus_reach_the_tier_and_nobody_else() -> None:
    """In come requests, hops, and Prometheus at the health port; out go names, the app, and hops."""
    policy = one(overlay("region"), "NetworkPolicy", "anchorbolt-ingress")["spec"]
    inward = [(rule.get("from"), [port["port"] for port in rule["ports"]]) for rule in policy["ingress"]]
    monitoring = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert inward == [(None, [8080]), (None, [8443]), (monitoring, [8404])]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 3000, 3001, 8443}
    app = one(overlay("region"), "NetworkPolicy", "anchorbolt")["spec"]
    assert app == one(overlay("standard"), "NetworkPolicy", "anchorbolt")["spec"]


@pytest.mark.parametrize(("name", "other"), [("eu", "us"), ("us", "eu")])
def test_an_example_knows_itself_and_the_other(name: str, other: str) -> None:
    """Pods and tier have the same name of the region, its peer is the other, and both have one map of known homes."""
    manifests = example(name)
    assert settings_of(manifests)["REGION"] == variables(manifests)["REGION"] == name
    assert [peer.partition("=")[0] for peer in variables(manifests)["PEERS"].split()] == [other]
    assert homes(manifests) == homes(example(other))
    lines = [line.partition("#")[0].split() for line in homes(manifests).splitlines()]
    assert {home for _, home in filter(None, lines)} == {name, other}


def test_the_alerts_go_with_the_example() -> None:
    """An example has the tier's PodMonitor and the alerts for several regions."""
    kinds = {(m["kind"], m["metadata"]["name"]) for m in example("eu")}
    assert {("PodMonitor", "anchorbolt-ingress"), ("PrometheusRule", "anchorbolt-regions")} <= kinds


@pytest.mark.parametrize("name", ["eu", "us", "witness"])
def test_an_example_is_what_kubernetes_takes(name: str) -> None:
    """Every object of Kubernetes' own kinds keeps to the schema, and every pod to the restricted profile."""
    manifests = example(name)
    for manifest in manifests:
        if not manifest["apiVersion"].startswith("monitoring.coreos.com"):
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    for workload, pod in pods(manifests).items():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, workload
        for container in containers(pod):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, workload
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, workload


def test_the_witness_keeps_the_promise() -> None:
    """Its Patroni has the settings with which the tests run: quorum, strict, synchronous_commit on; and it leads only
    where no region's server can."""
    patroni = yaml.safe_load(config(example("witness"), "anchorbolt-site")["patroni.yml"])
    dcs = patroni["bootstrap"]["dcs"]
    assert (dcs["synchronous_mode"], dcs["synchronous_mode_strict"]) == ("quorum", True)
    assert dcs["postgresql"]["parameters"]["synchronous_commit"] == "on"
    assert len(patroni["etcd3"]["hosts"]) == 3
    assert patroni["tags"] == {"failover_priority": 1}


@pytest.mark.parametrize("file", sorted(LARGE.rglob("*.yaml")), ids=lambda file: str(file.relative_to(LARGE)))
def test_every_file_of_the_example_is_yaml(file: Path) -> None:
    """No example is broken by an edit."""
    assert list(yaml.safe_load_all(file.read_text()))
