"""The app itself as pods: processes of `anchorbolt serve`, each on an address of its own, on one PostgreSQL."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.ingress.pods import Cluster, Pod
from tests.support.app_process import AppProcess
from tests.support.waiting import until_answer


class AppPods:
    """Starts, drains, kills and restarts the pods of a cluster. `settings` by their names in the environment."""

    def __init__(self, cluster: Cluster, directory: Path, slack_api_url: str, settings: Mapping[str, Any]) -> None:
        self._directory = directory
        self._slack_api_url = slack_api_url
        self._settings = dict(settings)
        self.processes: dict[str, AppProcess] = {}
        self.ended: list[AppProcess] = []
        self.cluster = cluster

    def start(self, pod: Pod) -> AppProcess:
        """Starts it under its name and address."""
        own: dict[str, Any] = {"HOST": pod.address, "PORT": pod.port, "INTERNAL_PORT": pod.internal_port}
        process = AppProcess.start(self._directory, self._slack_api_url, **(self._settings | own))
        self.processes[pod.name] = process
        return process

    async def until_ready(self, pod: Pod) -> None:
        """By its own /readyz."""
        await until_answer(lambda: self._is_ready(pod), what=f"{pod.name} is ready")

    async def _is_ready(self, pod: Pod) -> bool:
        process = self.processes[pod.name]
        assert process.exit_code is None, process.log_text()
        try:
            return await self.ask(pod, "readyz") == 200
        except OSError:
            return False

    async def ask(self, pod: Pod, path: str) -> int:
        """The status of a path of the internal port; an HTTP error is an OSError too."""
        # In a thread: a pod that starts takes the connection long before it answers, and Slack does not stand still.
        return await asyncio.to_thread(self._ask, pod, path)

    @staticmethod
    def _ask(pod: Pod, path: str) -> int:
        with urllib.request.urlopen(f"http://{pod.address}:{pod.internal_port}/{path}", timeout=5) as answer:
            return int(answer.status)

    def end(self) -> None:
        """Kills what still runs."""
        for process in self.processes.values():
            process.kill()
