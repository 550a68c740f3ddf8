"""The alerts of k8s/components/monitoring with their durations divided, for a Prometheus that looks every second."""

from __future__ import annotations

import re
from typing import Any

from tests.manifests.test_alerts import groups

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(?<=[\[ ])(\d+)([smh])\b")
# What is compared with these is as much shorter here: how long a run goes on, and how long a lane waits.
THRESHOLD = re.compile(r"((?:longest_run|oldest_waiting)_seconds\) > )(\d+)\b")
# rate() and increase() need a few samples.
LEAST_SECONDS = 4


def compressed(speed: float) -> dict[str, Any]:
    """The rules as a file of Prometheus'. Durations, and thresholds of what is as much shorter, are divided."""

    def divide(found: re.Match[str]) -> str:
        return f"{max(LEAST_SECONDS, round(int(found[1]) * UNITS[found[2]] / speed))}s"

    def lower(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) / speed:g}"

    return {
        "groups": [
            {
                "name": group["name"],
                "interval": "1s",
                "rules": [
                    rule
                    | {"expr": DURATION.sub(divide, THRESHOLD.sub(lower, rule["expr"]))}
                    | ({"for": divide(_matched(rule["for"]))} if "for" in rule else {})
                    for rule in group["rules"]
                ],
            }
            for group in groups()
        ]
    }


def _matched(text: str) -> re.Match[str]:
    found = re.fullmatch(r"(\d+)([smh])", text)
    assert found, text
    return found
