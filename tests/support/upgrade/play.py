"""The whole upgrade under load: old pods, the migration, old and new together, new alone, and the way back."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import Sample
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.chaos.faults import Faults
from tests.support.chaos.history import check, runs_of
from tests.support.chaos.run import LIVE, ROWS, text
from tests.support.chaos.traffic import Traffic
from tests.support.pods import Pod, Pods
from tests.support.postgresql import PostgreSQL
from tests.support.upgrade.releases import NEW, Release
from tests.support.upgrade.report import Report
from tests.support.waiting import until_answer

CHUNK = 50
PARKED = 10  # lanes
SETTLE_SECONDS = 90.0

PARK = """UPDATE lane SET waits_for = 'pause:kind:event', claimable_at = claimable_at + 900
    WHERE name LIKE '%C0PARKED%' AND owner IS NULL"""
# As if the time had gone by for one half of them, and what docs/operations/migrations.md says for the other half.
TIME_GOES_BY = f"""UPDATE lane SET claimable_at = claimable_at - 895 WHERE name IN
    (SELECT name FROM lane WHERE waits_for IS NOT NULL ORDER BY name LIMIT {PARKED // 2})"""
SET_FREE = """UPDATE lane SET claimable_at = extract(epoch FROM now()), waits_for = NULL
    WHERE waits_for IS NOT NULL AND owner IS NULL"""


@dataclass
class Upgrade:
    """One play of it. `seconds`: how long each state of the fleet lasts under load."""

    old: Release
    server: PostgreSQL
    directory: Path
    seconds: float
    rate: float
    pods_count: int = 3
    told: list[dict[str, object]] = field(default_factory=list)
    release_of: dict[int, str] = field(default_factory=dict)  # by the process that ran listeners

    async def play(self) -> Report:
        """Plays it, and says what became of everything."""
        self.url = self.server.new_database()
        self.database = self.url.rpartition("/")[2]
        await self._command(self.old, "migrate")
        async with AsyncExitStack() as stack:
            settings = self.old.environment | {"LEASE_SECONDS": 3, "LOG_LEVEL": "INFO", "BACKOFF_CAP_SECONDS": 1}
            self.pods = await stack.enter_async_context(
                Pods(self.directory, self.url, self.pods_count, anchorbolt=self.old.anchorbolt, **settings)  # type: ignore[arg-type]  # `each` is among them
            )
            self.http = await stack.enter_async_context(client(keep_alive=False))
            self.faults = Faults(self.pods.pods, self.server)
            self.traffic = Traffic(self.pods.pods, 60, self.rate, text)
            self.over = asyncio.Event()
            sending = asyncio.ensure_future(self._keep_sending())
            try:
                await self._forth()
                cancelled = await self._park_and_cancel()
                await self._back()
                again = await self._send(self.pods[0], cancelled, retry_num=1)
            finally:
                self.over.set()
                await sending
            assert again
            return await self._settle(cancelled)

    async def _forth(self) -> None:
        await self._for_a_while("old pods, old schema")
        await self._command(NEW, "migrate")
        await self._for_a_while("old pods, new schema")
        await self._become(self.pods[0], NEW)
        await self._kill_in_the_middle("old and new pods")
        for pod in self.pods.pods[1:]:
            await self._become(pod, NEW)
        await self._for_a_while("new pods")

    async def _back(self) -> None:
        await self._command(self.old, "migrate")  # as its init container does: it leaves a newer schema alone
        await self._become(self.pods[0], self.old)
        await self._kill_in_the_middle("new and old pods, on the way back")
        for pod in self.pods.pods[1:]:
            await self._become(pod, self.old)
        parked = await self._query("SELECT count(*) FROM lane WHERE waits_for IS NOT NULL")
        self._tell("the last new pod has ended", lanes_parked=int(parked))
        await self._query(TIME_GOES_BY)
        half = f"SELECT count(*) <= {PARKED // 2} FROM delivery WHERE state = 'live' AND lane LIKE '%C0PARKED%'"
        await self._until(half, "old pods run what was parked, when its time is over")
        await self._query(SET_FREE)
        await self._for_a_while("old pods again, new schema")
        json.loads(await self._command(self.old, "inbox", "list", "--json"))

    async def _become(self, pod: Pod, release: Release) -> None:
        """A drain and a new process, as a rollout does it; nothing is killed."""
        self._tell(f"pod {pod.number} becomes {release.name}")
        pod.app.terminate()
        assert await pod.app.until_ended() == 0
        pod.anchorbolt = release.anchorbolt
        pod.environment |= release.environment
        await pod.start_again()

    async def _kill_in_the_middle(self, state: str) -> None:
        """A pod of each release is killed in the middle of a run, so that others take over what it ran."""
        await self._for_a_while(state)
        for pod in self.pods.pods[:2]:
            slow = make("app_mention", Scene(channel_id="C0SLOW", text="n=0 work=3"))
            assert await self._send(pod, slow)
            await self.pods.listener_log.until_said("start", key=slow.key)
            await self.faults.kill(pod)
            await self._for_a_while(f"{state}: one of {self._release(pod)} was killed")

    @staticmethod
    def _release(pod: Pod) -> str:
        return "new" if pod.anchorbolt == NEW.anchorbolt else "old"

    async def _park_and_cancel(self) -> Sample:
        """Lanes that wait for something as the new release writes it, and a delivery that was cancelled."""
        await self._command(NEW, "inbox", "pause")
        # A pod that has not heard of the pause may still claim for a moment.
        await self._until(
            "SELECT count(*) = 0 FROM lane WHERE owner IS NOT NULL", "nothing runs", within=SETTLE_SECONDS
        )
        parked = [self._parked(number) for number in range(PARKED)]
        for number, sample in enumerate(parked):
            assert await self._send(self.pods[number % self.pods_count], sample)
        self.traffic.account.acknowledged |= {str(sample.key) for sample in parked}
        await self._query(PARK)
        await self._command(NEW, "inbox", "resume")
        done = make("app_mention", Scene(channel_id="C0CANCELLED", text="n=0"))
        assert await self._send(self.pods[0], done)
        ended = f"SELECT state = 'done' FROM delivery WHERE key = '{done.key}'"
        await self._until(ended, "the delivery that will be cancelled")
        await self._query(f"UPDATE delivery SET state = 'cancelled' WHERE key = '{done.key}'")
        return done

    @staticmethod
    def _parked(number: int) -> Sample:
        return make("app_mention", Scene(channel_id=f"C0PARKED{number}", text=f"n={number}"))

    async def _send(self, pod: Pod, sample: Sample, retry_num: int = 0) -> bool:
        ack = await Player(self.http, pod.app.url, EMULATOR_SECRET, wait_seconds=15).send(sample, retry_num=retry_num)
        return ack.ok

    async def _keep_sending(self) -> None:
        while not self.over.is_set():
            await self.traffic.send(CHUNK)

    async def _for_a_while(self, state: str) -> None:
        self._tell(state)
        await asyncio.sleep(self.seconds)

    def _tell(self, state: str, **more: object) -> None:
        self.release_of |= {pid: self._release(pod) for pod in self.pods.pods for pid in pod.worker_pids}
        account = self.traffic.account
        self.told.append({"at": round(time.time(), 1), "what": state, "acknowledged": len(account.acknowledged)} | more)

    async def _settle(self, cancelled: Sample) -> Report:
        with suppress(AssertionError):  # then the report says so, and what
            await self._until(LIVE.replace("count(*)", "count(*) = 0"), "nothing is live", within=SETTLE_SECONDS)
        rows = json.loads(await self._query(ROWS))
        runs = runs_of(self.pods.listener_log.entries(), self.faults.done)
        order = {row["key"]: (row["lane"], row["id"]) for row in rows}
        ended = {run.key for run in runs if run.how == "done"}
        done = {row["key"] for row in rows if row["state"] in ("done", "cancelled")}
        releases: dict[str, set[str]] = defaultdict(set)
        for run in runs:
            releases[run.key].add(self.release_of[run.pid])
        return Report(
            account=self.traffic.account,
            findings=check(runs, self.faults.done, order),
            states={state: sum(row["state"] == state for row in rows) for state in {row["state"] for row in rows}},
            lost=sorted(self.traffic.account.acknowledged - (done & ended)),
            ran_again_though_cancelled=sum(run.key == cancelled.key for run in runs) - 1,
            phases=self.told,
            lanes=len({row["lane"] for row in rows if "C0CHAOS" in row["lane"]}),
            run_by_both=sum(len(names) > 1 for names in releases.values()),
        )

    async def _until(self, condition: str, what: str, within: float = 40.0) -> None:
        async def holds() -> bool:
            return await self._query(condition) == "t\n"

        await until_answer(holds, within, what=what)

    async def _query(self, sql: str) -> str:
        return await asyncio.to_thread(self.server.query, self.database, sql)

    async def _command(self, release: Release, *arguments: str) -> str:
        return await asyncio.to_thread(release.run, self.directory, self.url, *arguments)
