"""Processes of the app behind a proxy, for benches to send to."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anchorbolt.emulator.emulator import Emulator

from tests.integration.ingress.app_pods import AppPods
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies.process import Proxy
from tests.support.listener_log import ListenerLog


@dataclass(frozen=True, slots=True)
class Behind:
    """What runs: the processes, the proxy before them, and what their listeners say."""

    pods: AppPods
    proxy: Proxy
    log: ListenerLog

    @property
    def url(self) -> str:
        """Where Slack posts to."""
        return f"http://127.0.0.1:{self.proxy.port}/slack/events"

    async def start(self, name: str) -> None:
        """Starts a pod, again or for the first time."""
        pod = self.pods.cluster.pod(name)
        self.pods.start(pod)
        await self.pods.until_ready(pod)


@asynccontextmanager
async def behind(kind: type[Proxy], count: int, database_url: str, **settings: object) -> AsyncIterator[Behind]:
    """`count` processes, ready, and a proxy of that kind that knows them."""
    with tempfile.TemporaryDirectory() as name, Cluster(count).running(stand_ins=False) as cluster:
        directory = Path(name)
        log = ListenerLog(directory)
        async with Emulator() as slack:
            own = {**log.environment, "DATABASE_URL": database_url, "LOG_LEVEL": "WARNING"}
            found = Behind(AppPods(cluster, directory, slack.api_url, own | settings), kind(cluster, directory), log)
            try:
                await asyncio.gather(*(found.start(pod.name) for pod in cluster.pods))
                await asyncio.to_thread(found.proxy.start)
                yield found
            finally:
                await asyncio.to_thread(found.proxy.stop)
                found.pods.end()
