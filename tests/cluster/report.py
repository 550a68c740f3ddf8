"""The numbers of a run, kept as JSON under var/cluster/results, and the page that is made of them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from tests.cluster.traffic import Account
from tests.manifests.render import ROOT

FOLDER = ROOT / "var" / "cluster" / "results"
PAGE = ROOT / "docs" / "operations" / "rollouts.md"

HEAD = """# Rollouts, drains, lost nodes: measured

Written by `python -m tests.cluster.report` from what `make test-cluster` measured; nothing here is typed by hand. Each
row is one test of `tests/cluster/`, which also says what must hold.

Signed requests come in through the sticky tier, each on a connection of its own: seven events, two commands and a click
in ten, over 100 conversations; listeners work 1 s (2 s where a node is lost or a pod hangs). An event that is not
answered 200 within 3 s comes again as Slack's retries do, here at once, after 5 and after 15 s (Slack: at once, 1 min,
5 min). In Socket Mode they are envelopes from the Slack emulator, and a 200 is an envelope that was acknowledged.

- **failed**: first answers that were not a 200 within 3 s. **unheard**: never answered 200, retries included.
- **lost**: acknowledged, and no listener ended it. **twice**: its listener began more than once (a run that was cut
  short runs again). **ended twice**: its listener ended more than once; a test allows it only for what ended as its pod
  was lost, before its completion could be written.
- **ack p99**: of first answers, before and during the restart. A small machine that does other things too: compare
  within a row, not between rows.
- **moves a conversation**: how often it changed its pod; 2 is the least when each pod is away once. **back home**: the
  share of conversations that are on the pod of the same name afterwards; a Deployment's pods have new names.
"""
TABLES = {
    "rollouts": "Restarts",
    "nodes": "Nodes and scale",
    "releases": "Releases, secrets, the database",
    "sick pods": "Sick pods",
    "socket mode": "Socket Mode",
}
COLUMNS = {
    "sent": "sent",
    "first_answers_failed": "failed",
    "never_acknowledged": "unheard",
    "lost": "lost",
    "run_twice": "twice",
    "finished_twice": "ended twice",
}


class Results:
    """The rows of numbers that a test measured; kept once it has passed."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._rows: list[tuple[str, str, dict[str, Any]]] = []

    def account(self, table: str, row: str, account: Account, **more: Any) -> None:
        """Takes what every load is asked, and what this one was asked besides."""
        numbers: dict[str, Any] = {
            "sent": len(account.sent),
            "first_answers_failed": len(account.first_answers_failed()),
            "never_acknowledged": len(account.never_acknowledged()),
            "lost": len(account.lost()),
            "run_twice": len(account.run_twice()),
            "finished_twice": len(account.finished_twice()),
            **more,
        }
        self._rows.append((table, row, numbers))
        sys.stderr.write(f"\n{table} | {row} | " + ", ".join(f"{key} {value}" for key, value in numbers.items()) + "\n")

    def keep(self) -> None:
        """Writes the rows, over older ones of the same name."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        today = datetime.now(UTC).date().isoformat()
        for table, row, numbers in self._rows:
            path = FOLDER / f"{table}.json"
            rows: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
            rows[row] = {"on": today, "cluster": self._cluster, "numbers": numbers}
            path.write_text(json.dumps(rows, indent=2))


def page() -> str:
    """The page, of whatever was measured so far."""
    parts, clusters = [HEAD], set()
    for table, title in TABLES.items():
        path = FOLDER / f"{table}.json"
        if not path.exists():
            continue
        rows = json.loads(path.read_text())
        clusters |= {f"{row['on']}, {row['cluster']}" for row in rows.values()}
        lines = [f"## {title}", "| | " + " | ".join(COLUMNS.values()) + " | and |", "|---" * (len(COLUMNS) + 2) + "|"]
        for name, row in rows.items():
            numbers = row["numbers"]
            more = "; ".join(f"{_words(key)} {numbers[key]}" for key in numbers if key not in COLUMNS)
            lines.append(f"| {name} | " + " | ".join(str(numbers[key]) for key in COLUMNS) + f" | {more} |")
        parts.append("\n".join(lines) + "\n")
    parts.append("## Where\n" + "\n".join(f"- {cluster}" for cluster in sorted(clusters)) + "\n")
    return "\n".join(parts)


def _words(key: str) -> str:
    """`ack_p99_restart_ms` in words, its unit in brackets."""
    words = key.split("_")
    unit = {"ms": " (ms)", "seconds": " (s)"}.get(words[-1], "")
    return " ".join(words[:-1] if unit else words) + unit


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
