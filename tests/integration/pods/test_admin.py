"""What an operator does: `anchorbolt inbox` on PostgreSQL, beside processes that run."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import asyncpg
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.script import Line

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until_answer

# More than PostgreSQL takes as parameters of one statement, and more than it lets one transaction stand still for.
VERY_MANY = 33_000  # more than the parameters that a statement may have
COPIES = f"""
INSERT INTO delivery (key, lane, kind, content_type, body, received_at, state, attempts, crashes, error, ended_at)
SELECT
    key || '-' || n, 'C-' || n % 1000, kind, content_type, body, received_at, state, attempts, crashes, error, ended_at
FROM delivery, generate_series(1, {VERY_MANY - 1}) n
"""


async def inbox_command(pods: Pods, *arguments: str) -> str:
    """What `anchorbolt inbox` says, in the environment of a pod."""
    return await asyncio.to_thread(pods[0].app.command_line, "inbox", *arguments)


async def refused(pods: Pods, *arguments: str) -> str:
    """What it complains of, where it does not end well."""
    done = await asyncio.to_thread(pods[0].app.run_command, "inbox", *arguments)
    assert done.returncode == 1
    return done.stderr


async def listed(pods: Pods, *filters: str) -> list[str]:
    """The keys that `inbox list` finds."""
    return [entry["key"] for entry in json.loads(await inbox_command(pods, "list", "--json", *filters))["deliveries"]]


async def counts(pods: Pods) -> dict[str, int]:
    """How many there are of each state, as `inbox list` says it."""
    found: dict[str, int] = json.loads(await inbox_command(pods, "list", "--json"))["counts"]
    return found


async def shown(pods: Pods, *arguments: str) -> dict[str, Any]:
    """What `inbox show` says."""
    found: dict[str, Any] = json.loads(await inbox_command(pods, "show", "--json", *arguments))
    return found


async def buried(pods: Pods, slack: Slack, count: int, *, lane: int = 0, error: str = "not_in_channel") -> list[Ack]:
    """Dead letters of one lane, in its order, because Slack's Web API answers so. Then it is well again."""
    pods.slack.script.add(Line(method="api.test", error=error, times=None))
    acks = [await slack.event(pods[0], "api=api.test", lane) for _ in range(count)]

    async def all_are() -> bool:
        return set(await listed(pods, "--state", "dead")) >= set(keys(acks))

    await until_answer(all_are, what="they are dead letters")
    pods.slack.script.clear()
    return acks


def keys(acks: list[Ack]) -> list[str]:
    """Theirs."""
    return [str(ack.sample.key) for ack in acks]


async def test_very_many_are_replayed(
    start_pods: StartPods, slack: Slack, database: str, shared_postgres: PostgreSQL
) -> None:
    """One command gives 33,000 dead letters back to their lanes, and says how far it is; broken off in the midst, it
    leaves the rest dead, and the same command goes on with it."""
    pods = await start_pods(1)
    # 1. One event that failed, 33,000 times over 1,001 lanes; paused, so that they can be counted.
    await buried(pods, slack, 1)
    await inbox_command(pods, "pause")
    name = database.rpartition("/")[2]
    await asyncio.to_thread(shared_postgres.query, name, COPIES)
    # 2. Ctrl-C after the first lot. Somebody holds one of the last, which therefore waits, however slow we are.
    other = await asyncpg.connect(database.replace("+asyncpg", ""))
    async with other.transaction():
        await other.execute("SELECT FROM delivery WHERE id = (SELECT max(id) FROM delivery) FOR UPDATE")
        command = pods[0].app.start_command("inbox", "replay", "--all")
        assert command.stderr is not None
        assert await asyncio.to_thread(command.stderr.readline) == f"500 of {VERY_MANY}\n"
        command.send_signal(signal.SIGINT)
        said, _ = await asyncio.to_thread(command.communicate)
    await other.close()
    assert f"replayed of {VERY_MANY}; the same command goes on with the rest" in said
    assert command.returncode != 0
    found = await counts(pods)
    assert 500 <= found["waiting"] < VERY_MANY
    assert found["waiting"] + found["dead"] == VERY_MANY
    # 3. The same again: the rest of them, each counted in its lane once.
    assert await inbox_command(pods, "replay", "--all") == f"{found['dead']} replayed\n"
    assert await counts(pods) == {"waiting": VERY_MANY, "running": 0, "dead": 0, "cancelled": 0, "done": 0}
    pending = await asyncio.to_thread(shared_postgres.query, name, "SELECT sum(pending), count(*) FROM lane")
    assert pending == f"{VERY_MANY}|1001\n"


async def test_replayed_ones_run_in_the_order_of_their_lane(start_pods: StartPods, slack: Slack) -> None:
    """Dead letters that are replayed together, named in any order, run from their first attempt and the oldest first;
    what runs goes on to its end before them, what waits comes after them, and other dead letters stay."""
    pods = await start_pods(2, LEASE_SECONDS=5)
    log = pods.listener_log
    # 1. Four of a lane, of two errors, or their listener would be held; behind them one runs and one waits.
    dead = await buried(pods, slack, 2) + await buried(pods, slack, 2, error="is_archived")
    *first, last = keys(dead)
    runs = str((await slack.event(pods[0], "hold=go")).sample.key)
    await log.until_said("start", key=runs)
    waits = str((await slack.event(pods[1], "")).sample.key)
    # 2. Three of them live again.
    assert await inbox_command(pods, "replay", *reversed(first)) == "3 replayed\n"
    log.release("go")
    await log.until_said("done", 5)
    done = log.entries("done")
    assert [entry.key for entry in done] == [runs, *first, waits]
    assert {entry.attempt for entry in done} == {1}
    assert await listed(pods) == [last]


async def test_a_discarded_dead_letter_stays_away(start_pods: StartPods, slack: Slack) -> None:
    """It is gone but for its key: neither Slack's retry nor a replay runs it again, and nobody sees its payload."""
    pods = await start_pods(1)
    log = pods.listener_log
    acks = await buried(pods, slack, 2)
    gone, stays = keys(acks)
    assert await inbox_command(pods, "discard", gone) == "1 discarded\n"
    # 1. It cannot be named any more; what else was named is done.
    assert await refused(pods, "replay", gone, stays) == f"anchorbolt: {gone} cannot be replayed: it is done\n"
    await log.until_said("done", key=stays)
    # 2. Slack sends it again.
    assert (await slack.again(pods[0], acks[0])).ok
    entry = await shown(pods, gone)
    assert (entry["state"], entry["payload"]) == ("done", None)
    assert await inbox_command(pods, "replay", "--all") == "0 replayed\n"
    assert log.counts("start")[gone] == 1


async def test_filters_choose_what_is_replayed_or_discarded(start_pods: StartPods, slack: Slack) -> None:
    """`--all` takes what its filters leave: by lane, kind, error and age."""
    pods = await start_pods(1)
    of_lane = keys(await buried(pods, slack, 2, lane=1))
    of_error = keys(await buried(pods, slack, 2, lane=2, error="is_archived"))
    lane = (await shown(pods, of_lane[0]))["lane"]
    assert await listed(pods, "--lane", lane) == of_lane
    assert await listed(pods, "--error", "is_archived") == of_error
    for nothing in (["--kind", "command"], ["--older-than", "1h"], ["--error", "is_archived", "--lane", lane]):
        assert await inbox_command(pods, "discard", "--all", *nothing) == "0 discarded\n"
    assert await inbox_command(pods, "discard", "--all", "--error", "is_archived", "--kind", "event") == "2 discarded\n"
    assert await inbox_command(pods, "replay", "--all", "--lane", lane, "--younger-than", "1h") == "2 replayed\n"
    await pods.listener_log.until_said("done", 2)
    assert list(pods.listener_log.counts("done")) == of_lane


async def test_show_tells_all_but_secrets(start_pods: StartPods, slack: Slack) -> None:
    """`inbox show` tells of a dead letter, by its key or its id, why it died, and its payload without a token; with
    `--unredacted` the token too."""
    pods = await start_pods(1)
    (key,) = keys(await buried(pods, slack, 1))
    entry = await shown(pods, key)
    assert (entry["state"], entry["kind"], entry["attempts"]) == ("dead", "event", 1)
    assert "not_in_channel" in entry["error"]
    assert entry["payload"]["event"]["text"].endswith("api=api.test")
    assert await shown(pods, str(entry["id"])) | {"age_seconds": 0} == entry | {"age_seconds": 0}
    whole = await shown(pods, key, "--unredacted")
    assert whole["payload"]["token"] == "made-up"
    assert entry["payload"]["token"] != "made-up"
    assert await refused(pods, "show", "A1:nobody") != ""
