"""`make cluster-demo`: k8s/overlays/local on a cluster, every kind of request, and a restart that nobody notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from anchorbolt.emulator.samples import SAMPLES
from rich.console import Console
from rich.table import Table

from tests.cluster.cluster import CLUSTER, Cluster
from tests.cluster.image import KIND, build_and_load
from tests.cluster.restart import restart_under_load
from tests.cluster.stack import Stack
from tests.cluster.tier import naming_pods
from tests.manifests.render import ROOT


def need_a_cluster() -> None:
    """Makes one with kind where there is Docker and none is named; else KUBECONFIG must name one.

    The one that kubectl happens to talk to may be anybody's: it is not touched unless KUBECONFIG names it.
    """
    if "KUBECONFIG" in os.environ:
        return
    if not (shutil.which("kind") and shutil.which("docker")):
        sys.exit(f"no cluster is named: {_how_to_name_one()}, or install Docker and kind, and one is made")
    kubeconfig = ROOT / "var" / "cluster" / "kind.kubeconfig"
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    os.environ["KUBECONFIG"] = str(kubeconfig)
    known = subprocess.run(["kind", "get", "clusters"], capture_output=True, text=True, check=True).stdout.split()
    begin = ["export", "kubeconfig"] if KIND in known else ["create", "cluster"]
    subprocess.run(["kind", *begin, "--name", KIND], check=True)


def _how_to_name_one() -> str:
    """The cluster of ../shared where it is, else the one that kubectl knows."""
    if CLUSTER:
        return f'eval "$({CLUSTER} up 2 | tail -1)"'
    return "export KUBECONFIG=$HOME/.kube/config, if that is one to try things in"


def main() -> None:
    """Builds, loads, applies, plays, restarts; says what was lost."""
    console = Console()
    need_a_cluster()
    with console.status("building the image and loading it on the nodes"):
        build_and_load()
    stack = Stack(Cluster(), "local", change=naming_pods)
    with console.status(f"applying k8s/overlays/local to the namespace {stack.namespace}"):
        stack.start()
    table = Table("request", "status", "ack ms", "pod", "Web API calls", box=None)
    table.columns[0].min_width = max(map(len, SAMPLES))
    with console.status("one signed request of every kind"):
        for line in stack.play():
            pod = line["pod"].replace("pod-", "anchorbolt-")
            table.add_row(
                line["kind"], str(line["status"]), f"{line['ack_ms']:.1f}", pod, ", ".join(line["calls"]) or "-"
            )
    console.print(table)
    with console.status("kubectl rollout restart statefulset/anchorbolt, under 20 requests/s"):
        account, timing = restart_under_load(stack, "statefulset/anchorbolt", rate=20)
    console.print(
        f"restarted in {timing['restart_seconds']:.0f} s under load: {len(account.sent)} requests, "
        f"{len(account.first_answers_failed())} first answers failed, {len(account.lost())} lost, "
        f"{len(account.run_twice())} run twice; p99 of the ack {timing['ack_p99_restart_ms']:.0f} ms "
        f"(before: {timing['ack_p99_steady_ms']:.0f} ms)"
    )
    console.print(f"It runs on; kubectl delete namespace {stack.namespace} ends it.")
    sys.exit(1 if account.lost() or account.first_answers_failed() else 0)


if __name__ == "__main__":
    main()
