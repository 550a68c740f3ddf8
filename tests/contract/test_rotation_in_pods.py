"""Several processes on one PostgreSQL refresh a token once, also when one of them is killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import installation
from sqlalchemy import update
from sqlalchemy.engine import make_url

from tests.contract.test_rotation import NEW, ONE, REFUSED, expired
from tests.support.postgresql import PostgreSQL
from tests.support.rotating_slack import RotatingSlack, rotating_slack
from tests.support.rotation_pod import RotationPod, Wall, session

WITHIN_SECONDS = 60


@pytest.fixture
async def slack() -> AsyncIterator[RotatingSlack]:
    """It knows the refresh token of ONE."""
    async with rotating_slack() as slack:
        slack.valid = {"xoxe-old": "bot"}
        yield slack


@pytest.fixture
def url(shared_postgres: PostgreSQL) -> str:
    """Of an empty database."""
    return shared_postgres.new_database()


@pytest.fixture
async def three(url: str, slack: RotatingSlack) -> AsyncIterator[list[RotationPod]]:
    """Three processes' views of that database, in which ONE is installed and its token has expired."""
    address = make_url(url)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(session())
        made = []
        for n in range(3):
            database = PostgresqlDatabase(address, listen_url=address)
            if n == 0:
                await database.open()
                await database.migrate()
                await database.close()
                database = PostgresqlDatabase(address, listen_url=address)
            inbox = Inbox(database, lease_seconds=15)
            await inbox.open()
            stack.push_async_callback(inbox.close)
            made.append(RotationPod(inbox, slack.url, opened, Wall(), wait_seconds=40))
        await made[0].save(expired(ONE))
        yield made


async def start(url: str, slack: RotatingSlack, *options: str) -> asyncio.subprocess.Process:
    """Starts a process that refreshes the token."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.rotation_pod", url, slack.url, *options),
        stdout=asyncio.subprocess.PIPE,
    )


async def line(process: asyncio.subprocess.Process) -> str:
    """What it prints first."""
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN_SECONDS):
        async for said in process.stdout:
            if said.startswith(b"= "):
                return said.decode().removeprefix("= ").strip()
    raise AssertionError("it ended without a word")


async def test_three_pods_with_fifty_events_make_one_refresh(three: list[RotationPod], slack: RotatingSlack) -> None:
    """The token has expired: each event is given the new one, whichever pod it is in."""
    held = expired(ONE)
    found = await asyncio.gather(*(three[n % 3].rotation.fresh(held) for n in range(50)))
    assert [one.bot for one in found] == 50 * [NEW]
    assert slack.asked == ["xoxe-old"]


async def test_three_sweeps_at_once_refresh_each_token_once(three: list[RotationPod], slack: RotatingSlack) -> None:
    """Twenty idle workspaces: twenty calls."""
    assert ONE.bot is not None
    for n in range(20):
        workspace, token = f"T{n + 100}", replace(ONE.bot, access=f"xoxe.xoxb-{n}", refresh=f"xoxe-{n}")
        slack.valid[f"xoxe-{n}"] = "bot"
        await three[0].save(replace(ONE, workspace=workspace, bot=token))
    await asyncio.gather(*(one.rotation.sweep() for one in three))
    assert sorted(slack.asked) == sorted(["xoxe-old", *(f"xoxe-{n}" for n in range(20))])
    assert [(await three[0].bot(f"T{n + 100}")).version for n in range(20)] == 20 * [2]


@pytest.mark.usefixtures("three")
async def test_three_real_processes_make_one_refresh(url: str, slack: RotatingSlack) -> None:
    """Each has fifty events at once, and all of them are given the same new token."""
    processes = [await start(url, slack) for _ in range(3)]
    assert [await line(one) for one in processes] == 3 * [NEW.access]
    assert [await one.wait() for one in processes] == [0, 0, 0]
    assert slack.asked == ["xoxe-old"]


async def test_a_pod_that_is_killed_with_slacks_answer_needs_a_reinstall_and_says_so(
    url: str, three: list[RotationPod], slack: RotatingSlack
) -> None:
    """Slack has used the refresh token up, and nobody has the new one: another pod finds that out and marks it."""
    process = await start(url, slack, "--stall")
    assert await line(process) == "answered"
    process.kill()
    await process.wait()
    over = update(installation).values(refresh_until=now())
    await three[0].store.transact(lambda c: c.execute(over) and None)  # as 30 s later
    await asyncio.gather(*(one.rotation.sweep() for one in three))

    found = await three[0].bot()
    assert (found.state, found.reason) == (InstallationState.REINSTALL_NEEDED, REFUSED)
    assert slack.asked == ["xoxe-old", "xoxe-old"]
