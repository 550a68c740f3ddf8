"""The monitoring component fits the pods that it watches."""

from __future__ import annotations

from pathlib import Path

from tests.manifests.render import ROOT, containers, one, pods, render


def test_every_pod_of_the_app_is_scraped(tmp_path: Path) -> None:
    """The PodMonitor selects receivers and workers, names a port that they have, and takes the page that they serve."""
    above = "/".join([".."] * len(tmp_path.parts[1:])) + str(ROOT)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{above}/k8s/overlays/workers]\ncomponents: [{above}/k8s/components/monitoring]\n"
    )
    manifests = tuple(render(tmp_path))
    monitor = one(manifests, "PodMonitor", "anchorbolt")["spec"]
    selected = {
        name: pod
        for name, pod in pods(manifests).items()
        if monitor["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    }
    assert set(selected) == {"StatefulSet/anchorbolt", "Deployment/anchorbolt-worker"}
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    for pod in selected.values():
        ports = [port["name"] for container in containers(pod) for port in container.get("ports", ())]
        assert endpoint["port"] in ports
    dashboard = one(manifests, "ConfigMap", "anchorbolt-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert list(dashboard["data"]) == ["anchorbolt.json"]
