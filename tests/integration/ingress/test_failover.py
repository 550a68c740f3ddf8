"""The app behind every proxy: a drain loses nothing, a SIGKILL what was in flight, and nothing is processed twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.ingress.app_pods import AppPods
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import those
from tests.integration.ingress.proxies.process import Proxy
from tests.support import postgresql
from tests.support.listener_log import ListenerLog
from tests.support.waiting import until

PODS = 3
SENDERS = 8
EVENTS_A_SENDER = 40
BETWEEN_SECONDS = 0.1

pytestmark = pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.sends_a_refusal_on), indirect=True)


@pytest.fixture
def listener_log(tmp_path: Path) -> ListenerLog:
    """What the listeners of every pod say."""
    return ListenerLog(tmp_path)


@pytest.fixture
async def app_pods(
    shared_postgres: postgresql.PostgreSQL, tmp_path: Path, listener_log: ListenerLog
) -> AsyncIterator[AppPods]:
    """Three pods, ready, on one database."""
    url = await asyncio.to_thread(shared_postgres.new_inbox)
    settings = {**listener_log.environment, "DATABASE_URL": url, "DRAIN_DELAY_SECONDS": 2, "LOG_LEVEL": "INFO"}
    with Cluster(PODS).running(stand_ins=False) as cluster:
        async with Emulator() as slack:
            pods = AppPods(cluster, tmp_path, slack.api_url, settings)
            try:
                for pod in cluster.pods:
                    pods.start(pod)
                await asyncio.gather(*(pods.until_ready(pod) for pod in cluster.pods))
                yield pods
            finally:
                pods.end()


@pytest.fixture
async def front(proxy_kind: type[Proxy], app_pods: AppPods, tmp_path: Path) -> AsyncIterator[Proxy]:
    """The proxy before them."""
    proxy = proxy_kind(app_pods.cluster, tmp_path)
    try:
        await asyncio.to_thread(proxy.start)
        yield proxy
    finally:
        await asyncio.to_thread(proxy.stop)


async def load(front: Proxy, *, retries: bool) -> list[list[Ack]]:
    """Some 80 events a second from eight senders, in 24 conversations; every ack of every event."""

    async def sender(number: int) -> list[list[Ack]]:
        acks = []
        for n in range(EVENTS_A_SENDER):
            scene = Scene(channel_id=f"C{number}{n % 3}", thread_ts="1760000000.000100", text=f"n={n} work=0.05")
            acks.append(await player.deliver(make("message", scene), retry_after=(0.0, 0.5, 1.0) if retries else ()))
            await asyncio.sleep(BETWEEN_SECONDS)
        return acks

    async with client(keep_alive=True, connections=SENDERS) as http:
        player = Player(http, f"http://127.0.0.1:{front.port}/slack/events", EMULATOR_SECRET, wait_seconds=20)
        return [one for many in await asyncio.gather(*(sender(n) for n in range(SENDERS))) for one in many]


async def test_a_drain_loses_nothing(front: Proxy, app_pods: AppPods, listener_log: ListenerLog) -> None:
    """
    1. Under load a pod drains as in a rollout: preStop, which returns once the proxies had time, then SIGTERM.
    2. It comes back under its name and address.
    3. Result: every first answer is 200, and every event is processed once.
    """
    sending = asyncio.create_task(load(front, retries=False))
    await listener_log.until_said("done", 40)
    pod = app_pods.cluster.pods[0]
    assert await app_pods.processes[pod.name].drain() == 0
    app_pods.processes[pod.name].terminate()
    assert await app_pods.processes[pod.name].until_ended() == 0
    app_pods.start(pod)
    await app_pods.until_ready(pod)

    acks = await sending
    assert Counter(last.told for *_, last in acks) == {"200": SENDERS * EVENTS_A_SENDER}, front.complaints()
    sent = {str(last.sample.key) for *_, last in acks}
    await until(lambda: set(listener_log.counts("done")) == sent, what="every event is done")
    assert set(listener_log.counts("start").values()) == {1}


async def test_a_kill_loses_at_most_what_was_in_flight(
    front: Proxy, app_pods: AppPods, listener_log: ListenerLog
) -> None:
    """
    1. Under load a pod is killed.
    2. Result: at most the requests in flight fail, and Slack's retries of these are taken.
    3. Every event is done in the end; none starts again but what the killed pod ran.
    """
    sending = asyncio.create_task(load(front, retries=True))
    await listener_log.until_said("done", 40)
    pod = app_pods.cluster.pods[0]
    killed = app_pods.processes[pod.name]
    worker = killed.worker_pid
    killed.kill()

    acks = await sending
    assert len([first for first, *_ in acks if not first.ok]) <= SENDERS, front.complaints()
    assert all(last.ok for *_, last in acks)
    sent = {str(last.sample.key) for *_, last in acks}
    await until(lambda: set(listener_log.counts("done")) == sent, what="every event is done")
    again = {key for key, times in listener_log.counts("start").items() if times > 1}
    ran_there = {entry.key for entry in listener_log.entries("start") if entry.pid == worker}
    assert again <= ran_there
    app_pods.start(pod)
    await app_pods.until_ready(pod)
