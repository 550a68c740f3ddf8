"""Every overlay is what the API server of Kubernetes 1.34 would accept."""

from __future__ import annotations

import kubernetes_validate
import pytest

from tests.manifests.render import OVERLAYS, ROOT, Manifest, overlay, pods

KUBERNETES = "1.34"

# Kinds that an operator brings, with schemas of its own: tests of their own say what they must hold.
CUSTOM = {("keda.sh/v1alpha1", "ScaledObject"), ("keda.sh/v1alpha1", "TriggerAuthentication")}


def _named(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_keeps_to_the_schema(name: str) -> None:
    """An overlay has no field that Kubernetes does not know and lacks none that it needs."""
    problems = []
    for manifest in overlay(name):
        if (manifest["apiVersion"], manifest["kind"]) in CUSTOM:
            continue
        try:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{_named(manifest)}: {'.'.join(map(str, error.path))}: {error.message}")
    assert problems == []


def test_the_check_finds_a_mistake() -> None:
    """A misspelt field of a pod is found, so a silent validator cannot pass for a good manifest."""
    broken = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "image": "x", "readynessProbe": {}}]},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_object_stands_twice(name: str) -> None:
    """No overlay holds two objects of one kind and name."""
    names = [_named(manifest) for manifest in overlay(name)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_namespace_is_the_users_choice(name: str) -> None:
    """No object names a namespace of its own, so `kubectl apply -n` decides."""
    assert [_named(m) for m in overlay(name) if "namespace" in m["metadata"]] == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_a_pod_refers_to_is_there(name: str) -> None:
    """Every ConfigMap and ServiceAccount that a pod names is in the overlay; in `local`, the Secrets too."""
    manifests = overlay(name)
    there = {_named(manifest) for manifest in manifests}
    missing = []
    for workload, pod in pods(manifests).items():
        wanted = {f"ConfigMap/{v['configMap']['name']}" for v in pod["spec"].get("volumes", ()) if "configMap" in v}
        for container in pod["spec"]["containers"]:
            wanted |= {
                f"ConfigMap/{e['configMapRef']['name']}" for e in container.get("envFrom", ()) if "configMapRef" in e
            }
        if "serviceAccountName" in pod["spec"]:
            wanted.add(f"ServiceAccount/{pod['spec']['serviceAccountName']}")
        if name == "local":
            wanted |= {f"Secret/{v['secret']['secretName']}" for v in pod["spec"].get("volumes", ()) if "secret" in v}
        missing += [f"{workload} wants {want}" for want in sorted(wanted - there)]
    assert missing == []


def test_every_component_is_part_of_an_overlay_or_named_in_the_readme() -> None:
    """No component lies forgotten: an overlay uses it, or k8s/README.md says when to."""
    readme = (ROOT / "k8s" / "README.md").read_text()
    used = "".join((ROOT / "k8s" / "overlays" / name / "kustomization.yaml").read_text() for name in OVERLAYS)
    components = sorted(path.name for path in (ROOT / "k8s" / "components").iterdir() if path.is_dir())
    assert [name for name in components if f"components/{name}" not in used and f"`{name}`" not in readme] == []
