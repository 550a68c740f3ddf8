"""The alerts of k8s/components/monitoring with their durations divided, for a Prometheus that looks every second."""

from __future__ import annotations

import re
from typing import Any

from tests.manifests.test_alerts import groups

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(?<=[\[ ])(\d+)([smh])\b")
# rate() and increase() need a few samples.
LEAST_SECONDS = 4


def compressed(speed: float) -> dict[str, Any]:
    """The rules as a file of Prometheus'. Thresholds in seconds, such as `> 60`, stay as they are."""

    def divide(found: re.Match[str]) -> str:
        return f"{max(LEAST_SECONDS, round(int(found[1]) * UNITS[found[2]] / speed))}s"

    return {
        "groups": [
            {
                "name": group["name"],
                "interval": "1s",
                "rules": [
                    rule
                    | {"expr": DURATION.sub(divide, rule["expr"])}
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
