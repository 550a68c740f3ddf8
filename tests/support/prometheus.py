"""A real Prometheus that scrapes the app under test, and forgets everything at the end."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from tests.support.ports import free_port
from tests.support.waiting import WITHIN_SECONDS

prometheus = shutil.which("prometheus")


class Prometheus:
    """One process, that scrapes `targets` (host:port, each a pod of the namespace `slack`) every second."""

    def __init__(self, directory: Path, targets: Sequence[str], rules: Mapping[str, Any] | None = None) -> None:
        """`rules`: alerts, as the file of Prometheus' has them."""
        self.url = f"http://127.0.0.1:{free_port()}"
        pods = [
            {"targets": [target], "labels": {"namespace": "slack", "pod": f"anchorbolt-{number}"}}
            for number, target in enumerate(targets)
        ]
        config: dict[str, Any] = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "anchorbolt", "static_configs": pods}],
        }
        if rules is not None:
            (directory / "rules.yaml").write_text(yaml.safe_dump(dict(rules)))
            config["rule_files"] = [str(directory / "rules.yaml")]
        (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
        with (directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(prometheus),
                    f"--config.file={directory / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={directory / 'tsdb'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
            )
        self._http = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=10, verify=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(WITHIN_SECONDS)
        await self._http.aclose()

    async def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series of this moment; none while it does not answer yet. Raises AssertionError for a bad query."""
        try:
            answer = await self._http.get("/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            return []
        if answer.status_code == 503:
            return []
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    async def ask_range(self, expression: str, seconds: float, step: float) -> list[dict[str, Any]]:
        """The series of the last seconds."""
        now = time.time()
        answer = await self._http.get(
            "/api/v1/query_range", params={"query": expression, "start": now - seconds, "end": now, "step": step}
        )
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found
