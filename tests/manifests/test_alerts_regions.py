"""Every alert for several regions fires when it should, stays silent when it should not, and has its page."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.promtool import needs_promtool, play, promtool
from tests.manifests.render import ROOT

RULES = ROOT / "k8s/components/region-monitoring/prometheusrule-regions.yaml"
PAGE = ROOT / "docs/operations/alerts-regions.md"
SITES = ("r1", "r2", "r3")


def patroni(name: str, *values: str) -> dict[str, str]:
    """A metric of Patroni's in each of the three sites."""
    series = {
        f'patroni_{name}{{scope="anchorbolt", name="{site}"}}': value for site, value in zip(SITES, values, strict=True)
    }
    return {key: value for key, value in series.items() if value}


def backend(name: str, proxy: str, values: str, more: str = "") -> dict[str, str]:
    """A counter of the tier's."""
    return {f'haproxy_backend_{name}{{namespace="slack", proxy="{proxy}"{more}}}': values}


ERRORS = ', code="5xx"'
DRAINED = 'anchorbolt_region_drained{namespace="slack", region="eu"}'
# Three sites that are well, and hops that arrive.
WELL = {
    **patroni("primary", "1x240", "0x240", "0x240"),
    **patroni("postgres_running", "1x240", "1x240", "1x240"),
    **patroni("quorum_standby", "0x240", "1x240", "1x240"),
    **patroni("sync_standby", "0x240", "0x240", "0x240"),
    **backend("http_requests_total", "home", "0+60x240"),
    **backend("http_requests_total", "instead", "0x240"),
    **backend("http_requests_total", "map_differs", "0x240"),
    **backend("redispatch_warnings_total", "home", "0x240"),
    **backend("http_responses_total", "home", "0x240", ERRORS),
    DRAINED: "0x240",
}
ONE_CONFIRMS = patroni("quorum_standby", "0x240", "1x240", "0x240")
NONE_CONFIRMS = patroni("quorum_standby", "0x240", "0x240", "0x240")
INSTEAD = backend("http_requests_total", "instead", "0+20x240")
FIRING = """count by (alertname) (
    ALERTS{alertstate="firing", namespace="slack"} or ALERTS{alertstate="firing", scope="anchorbolt"}
)"""
# What is wrong, what fires after 90 minutes, and the series that say so.
CASES: tuple[tuple[str, set[str], dict[str, str]], ...] = (
    ("all is well", set(), {}),
    ("nobody leads", {"NoPrimary"}, patroni("primary", "1x80 0x160", "0x240", "0x240")),
    ("a promotion of half a minute", set(), patroni("primary", "1x89 0x0 1x150", "0x240", "0x240")),
    ("no standby confirms", {"NoQuorum"}, NONE_CONFIRMS),
    (
        "one server is left",
        {"NoQuorum", "OneSiteLeft"},
        {**NONE_CONFIRMS, **patroni("postgres_running", "1x240", "0x240", "0x240")},
    ),
    ("one standby is out of the quorum", {"StandbyNotInQuorum"}, ONE_CONFIRMS),
    ("a standby restarts", set(), patroni("quorum_standby", "0x240", "1x240", "1x88 0x2 1x150")),
    ("priority instead of quorum", {"StandbyNotInQuorum"}, NONE_CONFIRMS | patroni("sync_standby", "0x240", "1x240", "0x240")),  # noqa: E501 - a table
    ("home cannot be asked", {"HopsFail"}, INSTEAD),
    ("home refuses", {"HopsFail"}, backend("redispatch_warnings_total", "home", "0+10x240")),
    ("home does not answer", {"HopsFail"}, backend("http_responses_total", "home", "0+10x240", ERRORS)),
    ("a hop fails now and then", set(), backend("http_responses_total", "home", "0+1x240", ERRORS)),
    ("a region is drained for a while", set(), {**INSTEAD, DRAINED: "0x60 1x180"}),
    ("a region is still drained", {"RegionDrained"}, {**INSTEAD, DRAINED: "1x240"}),
    ("the maps differ", {"MapDiffers"}, backend("http_requests_total", "map_differs", "0+5x240")),
    ("the maps differ while one is rolled out", set(), backend("http_requests_total", "map_differs", "0x83 5x157")),
)  # fmt: skip


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in yaml.safe_load(RULES.read_text())["spec"]["groups"] for rule in group["rules"]]


@needs_promtool
@pytest.mark.timeout(300)
def test_what_is_wrong_fires_its_alert_and_no_other(tmp_path: Path) -> None:
    """For each situation exactly the alerts fire that it is for."""
    # A drained region silences an alert in all namespaces: such a case has a Prometheus for itself.
    together = [case for case in CASES if DRAINED not in case[2]]
    apart = [[case] for case in CASES if DRAINED in case[2]]
    tests = [
        {
            "interval": "1m",
            "input_series": [
                {"series": _of_case(title, key), "values": values}
                for title, _, series in cases
                for key, values in (WELL | series).items()
            ],
            "promql_expr_test": [
                {
                    "expr": _of_case(title, FIRING),
                    "eval_time": "90m",
                    "exp_samples": [
                        {"labels": f'{{alertname="Anchorbolt{name}"}}', "value": 1} for name in sorted(fires)
                    ],
                }
                for title, fires, _ in cases
            ]
            + [{"expr": 'ALERTS{alertstate="firing", namespace="", scope=""}', "eval_time": "90m", "exp_samples": []}],
        }
        for cases in (together, *apart)
    ]
    play(tmp_path, yaml.safe_load(RULES.read_text())["spec"], tests, "15s")


def _of_case(title: str, text: str) -> str:
    """Series or an expression for one app and its database, moved to those of a case, which have its title."""
    return text.replace('namespace="slack"', f'namespace="{title}"').replace('scope="anchorbolt"', f'scope="{title}"')


@needs_promtool
def test_promtool_reads_the_rules(tmp_path: Path) -> None:
    """The rules, with their templates, are ones that Prometheus takes."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(yaml.safe_load(RULES.read_text())["spec"]))
    command = [str(promtool), "check", "rules", "--lint-fatal", str(tmp_path / "rules.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_has_its_page() -> None:
    """Each alert fires in some case, and has a section that says what it means, what to do and whom to wake."""
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    names = {rule["alert"] for rule in rules()}
    assert names == {f"Anchorbolt{name}" for _, fires, _ in CASES for name in fires} == set(sections)
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations/alerts-regions.md#{rule['alert'].lower()}"
        wanted = ["**Means:**", "**Do:**"]
        if rule["labels"]["severity"] == "critical":
            wanted.append("**Wake somebody else:**")
        assert [word for word in wanted if word not in sections[rule["alert"]]] == [], rule["alert"]


@needs_promtool
def test_the_dashboard_asks_what_prometheus_understands(tmp_path: Path) -> None:
    """Each expression of the dashboard for regions is one that Prometheus reads, and each panel says what it shows."""
    panels = json.loads((RULES.parent / "anchorbolt-regions.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert asked
    written = [one.replace("$__rate_interval", "5m").replace("$namespace", ".*") for one in asked]
    rules = [{"record": f"one:{n}", "expr": one} for n, one in enumerate(written)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = [str(promtool), "check", "rules", str(tmp_path / "rules.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [panel["title"] for panel in panels if panel["type"] != "row" and not panel["description"]] == []
