"""What goes wrong: each function plays it on a stage, from its beginning to its end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.inbox.tables import metadata

from bench.on_call.stage import Stage
from tests.support.standby import Standby
from tests.support.waiting import until_answer

Play = Callable[[Stage], Awaitable[None]]
AWAY_SECONDS = 15.0
# Longer, because its alert comes after two to three minutes, compressed.
LOCKED_SECONDS = 25.0
# All attempts of one delivery, by the defaults (docs/decisions/0108), and a little more.
LONGEST_ATTEMPTS_SECONDS = 1_800.0


@dataclass(frozen=True)
class Scenario:
    """`word`: the listener that it happens to. `may_die`: an outage leaves no dead letter, a bug does.

    `others`: the listener of the other half of the events.
    """

    title: str
    word: str
    play: Play
    may_die: bool = False
    others: str = "free"


@asynccontextmanager
async def trouble(stage: Stage) -> AsyncIterator[None]:
    """Notes when it begins and ends."""
    stage.began = time.time()
    yield
    stage.ended = time.time()


async def rate_limited(stage: Stage) -> None:
    """Slack answers chat.postMessage with 429 for 92 s."""
    async with trouble(stage):
        line = Line(method="chat.postMessage", error="ratelimited", retry_after_seconds=3, times=None)
        stage.slack.script.add(line)
        await asyncio.sleep(92 / stage.speed)
        stage.slack.script.clear()


async def outage(stage: Stage) -> None:
    """Slack answers every call with 503 for 15 min."""
    async with trouble(stage):
        stage.slack.script.add(Line(status=503, times=None))
        await asyncio.sleep(900 / stage.speed)
        stage.slack.script.clear()


def switched(name: str, seconds: float) -> Play:
    """A listener that hangs or blocks its loop for so long."""

    async def play(stage: Stage) -> None:
        async with trouble(stage):
            stage.switch(name, on=True)
            await asyncio.sleep(seconds)
            stage.switch(name, on=False)

    return play


async def bad_release(stage: Stage) -> None:
    """A listener that raises; then a version that does not is rolled out."""
    async with trouble(stage):
        stage.switch("bug", on=True)
        await asyncio.sleep(AWAY_SECONDS)
        stage.switch("bug", on=False)
        for pod in stage.pods.pods:
            pod.app.terminate()
            await pod.app.until_ended()
            pod.environment["APP_VERSION"] = "mended"
            await pod.start_again()


async def leak(stage: Stage) -> None:
    """One delivery takes memory until its pod is killed, wherever it runs."""
    async with trouble(stage), client(keep_alive=False) as http:
        sample = make("app_mention", Scene(channel_id="C0LEAK", text="leak n=0"))
        # It may kill the pod before the answer is out; then Slack sends it again, elsewhere.
        for number, pod in enumerate(stage.pods.pods):
            if (await Player(http, pod.app.url, EMULATOR_SECRET).send(sample, retry_num=number)).ok:
                break
        until = time.monotonic() + 60
        dead = f"SELECT state = 'dead' FROM delivery WHERE key = '{sample.key}'"
        while time.monotonic() < until and await stage.query(dead) != "t\n":
            for pod in stage.pods.pods:  # as the kubelet does
                if pod.app.exit_code is not None:
                    await pod.start_again()
            await asyncio.sleep(0.2)


async def lone(stage: Stage) -> None:
    """One delivery can never succeed, with an error that looks transient; all others of its listener do."""
    async with trouble(stage), client(keep_alive=False) as http:
        sample = make("app_mention", Scene(channel_id="C0POISON", text="never poison n=0"))
        await Player(http, stage.pods.pods[0].app.url, EMULATOR_SECRET).send(sample)

        async def is_dead() -> bool:
            return await stage.query(f"SELECT state = 'dead' FROM delivery WHERE key = '{sample.key}'") == "t\n"

        await until_answer(is_dead, LONGEST_ATTEMPTS_SECONDS / stage.speed, what="its attempts are used up")


async def read_only(stage: Stage) -> None:
    """The database takes no writes, on connections that are open and on new ones."""
    async with trouble(stage):
        await stage.query(f"ALTER DATABASE {stage.database} SET default_transaction_read_only = on")
        await _reconnect(stage)
        await asyncio.sleep(AWAY_SECONDS)
        await stage.query(f"SET transaction_read_only = off; ALTER DATABASE {stage.database} RESET ALL")
        await _reconnect(stage)


async def _reconnect(stage: Stage) -> None:
    others = f"datname = '{stage.database}' AND pid <> pg_backend_pid()"
    await stage.query(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}")


FULL = """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"""


async def full(stage: Stage) -> None:
    """Every write is answered as PostgreSQL does it when its disk is full."""
    tables = list(metadata.tables)  # all of them: a process that writes its own row would find the database well
    async with trouble(stage):
        await stage.query(FULL)
        for table in tables:
            await stage.query(
                f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION full_disk()"
            )
        await asyncio.sleep(AWAY_SECONDS)
        for table in tables:
            await stage.query(f"DROP TRIGGER full_disk ON {table}")


async def failed_over(stage: Stage) -> None:
    """The primary dies at once; its synchronous standby is promoted, under the same address."""
    standby = Standby(stage.directory / "standby", stage.server)
    standby.start()
    await asyncio.sleep(2)
    async with trouble(stage):
        await asyncio.to_thread(stage.server.stop, signal.SIGQUIT)
        await asyncio.sleep(3)  # until somebody notices
        await asyncio.to_thread(standby.query, "postgres", "SELECT pg_promote()")
        await asyncio.to_thread(standby.query, "postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
        await asyncio.to_thread(standby.stop)
        standby.port = stage.server.port
        # A standby's own `start` would make the primary wait for it; there is none any more.
        await asyncio.to_thread(super(Standby, standby).start)
    stage.server = standby


async def locked(stage: Stage) -> None:
    """A session holds a lock on the table of deliveries."""
    async with trouble(stage):
        lock = "BEGIN; LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({}); COMMIT"
        await stage.query(lock.format(LOCKED_SECONDS))


SCENARIOS = {
    "limited": Scenario(
        "Slack limits a method for 92 s; the others call another one", "post", rate_limited, others="read"
    ),
    "outage": Scenario("Slack answers 503 for 15 min", "post", outage),
    "lone": Scenario("a delivery can never succeed, and its error looks transient", "never", lone, may_die=True),
    "hang": Scenario("a listener hangs", "hang", switched("hang", 2 * AWAY_SECONDS), may_die=True),
    "block": Scenario("a listener blocks the event loop", "block", switched("block", AWAY_SECONDS)),
    "leak": Scenario("a delivery leaks until its pod is killed", "free", leak, may_die=True),
    "release": Scenario("a bad release of a listener", "bug", bad_release, may_die=True),
    "read-only": Scenario("the database is read-only", "post", read_only),
    "full": Scenario("the database is full", "post", full),
    "failed-over": Scenario("the database fails over", "post", failed_over),
    "locked": Scenario("the database is locked", "post", locked),
}
