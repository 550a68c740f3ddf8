"""Bad releases, wrong secrets, secrets that change, and a database that goes away."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.cluster import wait_until
from tests.cluster.conftest import Stacks
from tests.cluster.report import Results
from tests.cluster.stack import Stack
from tests.cluster.traffic import nothing_noticed

APP = "statefulset/anchorbolt"


def waiting_for(stack: Stack, pod: str) -> str:
    """Why a container of a pod does not run, in Kubernetes' word; empty if all do."""
    found = next((p for p in stack.pods() if p["metadata"]["name"] == pod), None)
    status = found["status"] if found else {}
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return " ".join(c["state"]["waiting"]["reason"] for c in containers if "waiting" in c["state"])


def bad_release_undone(stack: Stack, results: Results, row: str, why: str, release: Callable[[], object]) -> None:
    """Releases, sees it stop at its first pod, undoes it, all under load."""
    # 1. load; the bad release
    traffic = stack.traffic(10)
    traffic.go_on_for(3)
    release()
    # 2. it stops at the first pod, and the two others serve
    wait_until(f"anchorbolt-2 {why}", lambda: why in waiting_for(stack, "anchorbolt-2"), 180)
    traffic.go_on_for(15)
    assert stack.ready_pods() == ["anchorbolt-0", "anchorbolt-1"]
    # 3. one command brings the old release back, without a hand on the stuck pod
    undone = traffic.now()
    stack.kubectl("rollout", "undo", APP)
    stack.settled(APP)
    seconds = traffic.now() - undone
    account = traffic.end()
    results.account("releases", row, account, undone_after_seconds=round(seconds))
    # 4. nobody noticed
    nothing_noticed(account)
    assert len(stack.ready_pods()) == 3


def test_an_image_that_is_not_there_stops_at_the_first_pod(stacks: Stacks, results: Results) -> None:
    """A bad image costs one pod; `kubectl rollout undo` brings it back; nobody notices either."""
    stack = stacks("standard")
    image = "localhost/anchorbolt:no-such-tag"
    bad_release_undone(
        stack,
        results,
        "an image that is not there",
        "Image",
        lambda: stack.kubectl("set", "image", APP, f"app={image}", f"migrate={image}"),
    )


def test_a_release_that_cannot_start_stops_at_the_first_pod(stacks: Stacks, results: Results) -> None:
    """Listeners that cannot be imported cost one pod; `kubectl rollout undo` brings it back; nobody notices either."""
    stack = stacks("standard")
    stack.kustomization.settings["LISTENERS"] = "no.such.module"
    bad_release_undone(stack, results, "a release that cannot start", "CrashLoopBackOff", stack.apply)
    stack.kustomization.settings["LISTENERS"] = "cluster_listeners"


def test_a_wrong_secret_stops_at_the_first_pod_and_mends_itself(stacks: Stacks, results: Results) -> None:
    """A wrong password costs one pod at the next restart; with the right one in the Secret it comes by itself."""
    # 1. the Secret is wrong, and somebody restarts
    stack = stacks("standard")
    good = stack.kustomization.secrets["DATABASE_URL"]
    traffic = stack.traffic(10)
    stack.kustomization.secrets["DATABASE_URL"] = good.replace("for-trying-only", "wrong")
    stack.apply()
    stack.kubectl("rollout", "restart", APP)
    # 2. the first pod does not get past its migration, the others serve
    wait_until("anchorbolt-2 fails", lambda: "CrashLoopBackOff" in waiting_for(stack, "anchorbolt-2"), 180)
    assert stack.ready_pods() == ["anchorbolt-0", "anchorbolt-1"]
    # 3. the Secret is right again: the rollout goes on without a hand on the pod
    stack.kustomization.secrets["DATABASE_URL"] = good
    stack.apply()
    mended = traffic.now()
    stack.settled(APP, 500)
    seconds = traffic.now() - mended
    account = traffic.end()
    results.account("releases", "a wrong secret, then the right one", account, rolled_out_after_seconds=round(seconds))
    nothing_noticed(account)


def test_a_signing_secret_is_rotated_without_a_refused_request(stacks: Stacks, results: Results) -> None:
    """Old; old and new; Slack changes over; new: no request is refused at any time."""
    # 1. the old secret alone
    stack = stacks("standard")
    secrets = stack.kustomization.secrets
    old = secrets["SLACK_SIGNING_SECRET"]
    traffic = stack.traffic(10)
    traffic.go_on_for(3)
    # 2. both are valid
    secrets["SLACK_SIGNING_SECRET"] = f"{old},the-new-one"
    stack.apply()
    stack.restart(APP)
    # 3. Slack signs with the new one
    traffic.sign_with("the-new-one")
    traffic.go_on_for(3)
    # 4. the old one is out
    secrets["SLACK_SIGNING_SECRET"] = "the-new-one"
    stack.apply()
    stack.restart(APP)
    traffic.go_on_for(3)
    account = traffic.end()
    results.account("releases", "a signing secret rotated", account)
    nothing_noticed(account)


def test_the_database_goes_away_for_a_moment(stacks: Stacks, results: Results) -> None:
    """PostgreSQL's pod is deleted: commands and clicks go on answering, Slack's retries bring every event."""
    # 1. load
    stack = stacks("standard")
    traffic = stack.traffic(10)
    traffic.go_on_for(5)
    # 2. its pod is deleted; the claim brings the data back
    gone = traffic.now()
    stack.kubectl("delete", "pod", "anchorbolt-postgres-0")
    stack.settled("statefulset/anchorbolt-postgres")
    seconds = traffic.now() - gone
    traffic.go_on_for(20)
    account = traffic.end()
    failed = account.first_answers_failed()
    results.account(
        "releases",
        "PostgreSQL's pod deleted",
        account,
        database_away_seconds=round(seconds),
        failed_answers=account.why(),
    )
    # 3. no pod became unready or was restarted, no command or click failed, no event was lost
    assert len(stack.ready_pods()) == 3
    assert [sent for sent in failed if sent.kind in ("command", "action")] == [], account.why()
    assert account.never_acknowledged() == []
    assert account.lost() == []
    assert account.finished_twice() == {}
