"""The Grafana dashboard of k8s/components/monitoring, read as Grafana reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.app_process import ROOT

FILE = ROOT / "k8s/components/monitoring/anchorbolt.json"
# Beside it, where there are several regions: it shows metrics of Patroni and of the tier too.
REGIONS_FILE = ROOT / "k8s/components/region-monitoring/anchorbolt-regions.json"


@dataclass(frozen=True)
class Query:
    """One line of a panel: PromQL with Grafana's variables in it, and how its series are named."""

    expression: str
    legend: str

    def filled(self, interval: str) -> str:
        """As Grafana sends it for all namespaces. `interval`: what it takes a rate over."""
        return self.expression.replace("$namespace", ".*").replace("$__rate_interval", interval)


@dataclass(frozen=True)
class Panel:
    """One panel; `row` is the heading above it."""

    row: str
    title: str
    kind: str
    unit: str
    queries: tuple[Query, ...]
    place: dict[str, int]
    line: float | None


def panels() -> list[Panel]:
    """All of them, in their order."""
    found, row = [], ""
    for panel in json.loads(FILE.read_text())["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            continue
        queries = tuple(Query(target["expr"], target["legendFormat"]) for target in panel["targets"])
        defaults = panel["fieldConfig"]["defaults"]
        found.append(
            Panel(row, panel["title"], panel["type"], defaults["unit"], queries, panel["gridPos"], _line(defaults))
        )
    return found


def _line(defaults: dict[str, Any]) -> float | None:
    if defaults.get("custom", {}).get("thresholdsStyle", {}).get("mode") != "line":
        return None
    value: float = defaults["thresholds"]["steps"][-1]["value"]
    return value
