"""Settings, ports, probes, preStop and the grace period say the same thing."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.drain import socket_path
from anchorbolt.lifecycle.master import HANG_SECONDS
from anchorbolt.lifecycle.times import end_seconds
from anchorbolt.settings.model import Settings

from tests.manifests.render import OVERLAYS, SOCKET_MODE, Manifest, one, overlay, pods, settings_of

MARGIN_SECONDS = 3


def _settings(name: str) -> Settings:
    """The settings that the pods of an overlay read, as the app itself reads them."""
    values: dict[str, Any] = {key.lower(): value for key, value in settings_of(overlay(name)).items()}
    return Settings(_env_file=None, **values)


def _app_pods(name: str) -> dict[str, Manifest]:
    """The pods that run the app itself: what has a container `app`."""
    found = {
        w: pod for w, pod in pods(overlay(name)).items() if any(c["name"] == "app" for c in pod["spec"]["containers"])
    }
    assert "StatefulSet/anchorbolt" in found
    return found


def _app(pod: Manifest) -> Manifest:
    container: Manifest = next(c for c in pod["spec"]["containers"] if c["name"] == "app")
    return container


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_setting_is_one_that_the_app_knows(name: str) -> None:
    """A misspelt setting in a ConfigMap, or beside a container, would be ignored in silence; there is none."""
    known = {field.upper() for field in Settings.model_fields}
    named = set(settings_of(overlay(name)))
    for pod in _app_pods(name).values():
        named |= {variable["name"] for variable in _app(pod).get("env", ())}
    assert {key for key in named if not key.startswith("OTEL_")} <= known


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_ports_are_those_of_the_settings(name: str) -> None:
    """The container's ports are PORT and INTERNAL_PORT, and the headless Service keeps them; no PORT in Socket Mode."""
    settings = _settings(name)
    pod = one(overlay(name), "StatefulSet", "anchorbolt")["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for port in _app(pod)["ports"]}
    public = {} if name in SOCKET_MODE else {"http": settings.port}
    assert ports == public | {"internal": settings.internal_port}
    headless = one(overlay(name), "Service", "anchorbolt-pods")["spec"]
    assert {port["targetPort"]: port["port"] for port in headless["ports"]} == ports


@pytest.mark.parametrize("name", OVERLAYS)
def test_probes_ask_the_internal_port(name: str) -> None:
    """Startup, readiness and liveness go to the internal port, each to the path that answers its question."""
    for pod in _app_pods(name).values():
        app = _app(pod)
        asked = {
            "startup": app["startupProbe"]["httpGet"],
            "ready": app["readinessProbe"]["httpGet"],
            "live": app["livenessProbe"]["httpGet"],
        }
        assert {what: get["path"] for what, get in asked.items()} == {
            "startup": "/startupz",
            "ready": "/readyz",
            "live": "/livez",
        }
        assert {get["port"] for get in asked.values()} == {"internal"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_pre_stop_asks_for_the_drain_inside_of_the_pod(name: str) -> None:
    """It executes our script, which finds the socket in a folder that the pod may write to, and no port has a drain."""
    for pod in _app_pods(name).values():
        app = _app(pod)
        assert app["lifecycle"]["preStop"] == {"exec": {"command": ["python", "-I", "-m", "anchorbolt.drain"]}}
        assert "/tmp" in {mount["mountPath"] for mount in app["volumeMounts"]}
        settings = _settings(name)
        path = str(settings.drain_socket_path)
        assert path.startswith("/tmp/")
        assert socket_path({"INTERNAL_PORT": str(settings.internal_port)}) == path


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_grace_period_covers_the_whole_drain(name: str) -> None:
    """The grace period is longer than preStop and all that the server allows itself after SIGTERM."""
    settings = _settings(name)
    needed = settings.drain_delay_seconds + end_seconds(settings.of_master) + MARGIN_SECONDS
    for workload, pod in _app_pods(name).items():
        assert pod["spec"]["terminationGracePeriodSeconds"] >= needed, workload


@pytest.mark.parametrize("name", OVERLAYS)
def test_proxies_learn_of_a_drain_while_the_pod_still_serves(name: str) -> None:
    """The drain delay outlasts a failed readiness probe, so a Service too lets go of the pod before it closes."""
    settings = _settings(name)
    for pod in _app_pods(name).values():
        probe = _app(pod)["readinessProbe"]
        assert settings.drain_delay_seconds >= probe["periodSeconds"] * probe["failureThreshold"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_hang_is_found_long_after_a_slow_moment(name: str) -> None:
    """Liveness waits longer than gunicorn does for a hung worker, and both longer than the lease of its lanes."""
    settings = _settings(name)
    for pod in _app_pods(name).values():
        probe = _app(pod)["livenessProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] > HANG_SECONDS > settings.lease_seconds
        assert probe["terminationGracePeriodSeconds"] < settings.drain_timeout_seconds


@pytest.mark.parametrize("name", ["workers", "socket-workers"])
def test_a_worker_is_the_same_pod_without_a_public_port(name: str) -> None:
    """The worker's Deployment and the app's StatefulSet differ in role, port, labels and tolerations alone."""
    manifests = overlay(name)
    receiver = one(manifests, "StatefulSet", "anchorbolt")["spec"]["template"]["spec"]
    worker = one(manifests, "Deployment", "anchorbolt-worker")["spec"]["template"]["spec"]
    assert _app({"spec": receiver}).pop("env") == [{"name": "ROLE", "value": "receiver"}]
    assert _app({"spec": worker}).pop("env") == [{"name": "ROLE", "value": "worker"}]
    assert _app({"spec": worker}).pop("ports") == [
        p for p in _app({"spec": receiver}).pop("ports") if p["name"] != "http"
    ]
    assert {t["tolerationSeconds"] for t in worker.pop("tolerations")} == {30}
    for spec in (receiver, worker):
        for spread in spec["topologySpreadConstraints"]:
            spread["labelSelector"]["matchLabels"].pop("app.kubernetes.io/component")
    assert worker == receiver
    overlay.cache_clear()  # the objects were taken apart above


def test_a_lane_waits_for_no_pod_of_a_lost_node() -> None:
    """The lease runs out before Kubernetes gives a node up, so work goes on before any pod is replaced."""
    worker = one(overlay("workers"), "Deployment", "anchorbolt-worker")["spec"]["template"]["spec"]
    assert _settings("workers").lease_seconds < min(t["tolerationSeconds"] for t in worker["tolerations"])
