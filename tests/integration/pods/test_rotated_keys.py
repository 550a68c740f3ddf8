"""Keys are rotated on PostgreSQL while two pods serve: nothing fails, and the new key alone decrypts everything."""

from __future__ import annotations

import asyncio
import base64
import json

from anchorbolt.emulator.script import Line
from anchorbolt.encryption import Keys, key_name
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.workspaces.installations import Installations
from sqlalchemy.engine import make_url

from tests.contract.test_installations import ONE, USER
from tests.integration.pods.conftest import Slack, StartPods
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL
from tests.support.steady import Steady
from tests.support.waiting import until_answer

OLD, NEW = b"o" * 32, b"n" * 32
DEAD = "SELECT count(*) FROM delivery WHERE state = 'dead'"
LIVE = "SELECT count(*) FROM delivery WHERE state = 'live'"
LETTERS = "SELECT key FROM delivery WHERE state = 'dead' ORDER BY id"
TEXTS = "SELECT body || E'\\n' || headers || E'\\n' || coalesce(history, '') FROM delivery WHERE body IS NOT NULL"


def setting(*keys: bytes) -> str:
    """TOKEN_KEYS with these keys."""
    return ",".join(base64.b64encode(key).decode() for key in keys)


async def roll_out(pods: Pods, keys: str) -> None:
    """Gives the pods other keys, one after the other, each after its drain."""
    for pod in pods.pods:
        pod.app.terminate()
        assert await pod.app.until_ended() == 0
        pod.environment["TOKEN_KEYS"] = keys
        await pod.start_again()


async def with_installations(database: str, work: str) -> object:
    """Saves an installation with the old key, or finds it with the new one."""
    found = PostgresqlDatabase(make_url(database))
    await found.open()
    try:
        if work == "save":
            old = Installations("postgresql", Keys([OLD]))
            await found.transact(lambda c: old.save(c, ONE))
            await found.transact(lambda c: old.save_user(c, USER))
        new = Installations("postgresql", Keys([NEW]))
        return await found.transact(lambda c: (new.all(c), new.find_user(c, "T1", "U1")))
    finally:
        await found.close()


async def test_keys_are_rotated_under_load(
    start_pods: StartPods, slack: Slack, database: str, shared_postgres: PostgreSQL
) -> None:
    """A new key first, `rotate-keys`, the old key away, all under 20 events a second: each event is done once, no
    letter is dead of it, and letters and tokens of the time before decrypt with the new key."""
    name = database.rpartition("/")[2]

    async def query(sql: str) -> str:
        return await asyncio.to_thread(shared_postgres.query, name, sql)

    pods = await start_pods(2, TOKEN_KEYS=setting(OLD))
    # 1. Dead letters and tokens of the old key.
    await with_installations(database, "save")
    pods.slack.script.add(Line(method="api.test", error="not_in_channel", times=None))
    for lane in range(2):
        await slack.event(pods[0], "api=api.test", lane)

    async def buried() -> bool:
        return await query(DEAD) == "2\n"

    await until_answer(buried, what="two dead letters")
    async with Steady([pod.app.url for pod in pods.pods]) as steady:
        # 2. The new key goes first; all is encrypted with it; the old one goes.
        await roll_out(pods, setting(NEW, OLD))
        said = await asyncio.to_thread(pods[0].app.command_line, "workspaces", "rotate-keys")
        assert "the others may be taken out of TOKEN_KEYS" in said
        await roll_out(pods, setting(NEW))

    # 3. What was acknowledged is done, once each; nothing is dead but what was.
    async def settled() -> bool:
        return await query(LIVE) == "0\n"

    await until_answer(settled, 60, what="everything has ended")
    assert len(steady.keys) > 20
    done = pods.listener_log.counts("done")
    assert {key: done[key] for key in steady.keys} == dict.fromkeys(steady.keys, 1)
    assert await query(DEAD) == "2\n"
    # 4. All that is left is of the new key, and decrypts.
    names = {key_name(line) for line in (await query(TEXTS)).split("\n") if line}
    assert names == {key_name(Keys([NEW]).encrypt("x", "x"))}
    for key in (await query(LETTERS)).split():
        shown = json.loads(await asyncio.to_thread(pods[0].app.command_line, "inbox", "show", "--json", key))
        assert shown["payload"]["event"]["text"].startswith("api=api.test")
        assert [past["outcome"] for past in shown["attempts_before"]] == ["dead"]
    assert await with_installations(database, "find") == ([ONE], USER)


async def test_what_cannot_be_decrypted_is_named_by_workspace(
    start_pods: StartPods, slack: Slack, database: str, shared_postgres: PostgreSQL
) -> None:
    """Without the old key `rotate-keys` ends with 1, says how many of which workspace, and changes nothing of them."""
    name = database.rpartition("/")[2]
    pods = await start_pods(1, TOKEN_KEYS=setting(OLD))
    await slack.event(pods[0], "hold=never")
    await pods.listener_log.until_said("start")
    before = await asyncio.to_thread(shared_postgres.query, name, TEXTS)
    pods[0].app._environment["TOKEN_KEYS"] = setting(NEW)  # of the command alone
    done = await asyncio.to_thread(pods[0].app.run_command, "workspaces", "rotate-keys")
    assert done.returncode == 1
    assert "deliveries: 0 encrypted with the first key, 1 left" in done.stdout
    workspace = await asyncio.to_thread(shared_postgres.query, name, "SELECT workspace FROM delivery")
    assert f"1 deliveries of {workspace.strip()} cannot be decrypted: add their key to TOKEN_KEYS again" in done.stderr
    assert await asyncio.to_thread(shared_postgres.query, name, TEXTS) == before
    pods.listener_log.release("never")
