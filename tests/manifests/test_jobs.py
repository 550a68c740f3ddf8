"""The job of a team's: the app's image, settings and secrets, one run at a time, and no part of what serves."""

from __future__ import annotations

from tests.manifests.render import Manifest, one, overlay, pods


def _job() -> Manifest:
    spec: Manifest = one(overlay("jobs"), "CronJob", "anchorbolt-job")["spec"]
    return spec


def test_it_runs_in_the_image_of_the_app_with_its_settings() -> None:
    """The job's container has the image and the settings of the app, and the overlay's command."""
    found = pods(overlay("jobs"))
    (job,) = found["CronJob/anchorbolt-job"]["spec"]["containers"]
    app = next(c for c in found["StatefulSet/anchorbolt"]["spec"]["containers"] if c["name"] == "app")
    assert (job["image"], job["envFrom"]) == (app["image"], app["envFrom"])
    assert job["command"] == ["python", "-m", "jobs.standup"]


def test_one_run_at_a_time_and_each_has_an_end() -> None:
    """Two runs are never beside each other, and a run that hangs ends."""
    job = _job()
    assert job["concurrencyPolicy"] == "Forbid"
    assert (job["schedule"], job["timeZone"]) == ("30 8 * * 1-5", "Europe/Berlin")
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0
    assert job["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_no_service_and_no_budget_takes_it_for_a_pod_that_serves() -> None:
    """The labels of the job's pods are selected by no Service and no disruption budget."""
    labels = pods(overlay("jobs"))["CronJob/anchorbolt-job"]["metadata"]["labels"].items()
    selectors = [m["spec"]["selector"] for m in overlay("jobs") if m["kind"] in ("Service", "PodDisruptionBudget")]
    assert selectors
    assert not [chosen for chosen in selectors if chosen.get("matchLabels", chosen).items() <= labels]
