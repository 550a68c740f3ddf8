"""Tokens that expire are refreshed once, in one way in all databases, whatever becomes of Slack's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from anchorbolt.errors import NotAuthorizedError, TokenExpiredError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import installation, user_token
from anchorbolt.telemetry import metrics
from anchorbolt.workspaces.installation import CANNOT_BE_REFRESHED, Installation, Token, UserToken
from anchorbolt.workspaces.refresh_statements import Turn
from anchorbolt.workspaces.token_holder import TokenId
from sqlalchemy import select, update

from tests.support.rotating_slack import EXPIRES_IN, Fault, RotatingSlack, rotating_slack
from tests.support.rotation_pod import INSTALL_URL, RotationPod, Wall, session
from tests.support.waiting import until

NOW = Wall().now
SOON = NOW + 60
EXPIRED = NOW - 1
ONE = Installation("T1", Token("xoxe.xoxb-old", "xoxe-old", SOON), installed_by="U1", installed_at=NOW - 50_000)
USER = UserToken("T1", "U1", Token("xoxe.xoxp-old", "xoxe-user", SOON), installed_at=NOW - 50_000)
NEW = Token("xoxe.xoxb-1-of-xoxe-old", "xoxe-1-of-xoxe-old", NOW + EXPIRES_IN)
REFUSED = "Slack refused the refresh token (invalid_refresh_token)"
_BOT = TokenId("T1")
AGAIN = replace(ONE, bot=Token("xoxe.xoxb-again", "xoxe-again", NOW + EXPIRES_IN), installed_at=NOW)


@pytest.fixture
async def slack() -> AsyncIterator[RotatingSlack]:
    """It knows the refresh tokens of ONE and of USER."""
    async with rotating_slack() as slack:
        slack.valid = {"xoxe-old": "bot", "xoxe-user": "user"}
        yield slack


@pytest.fixture
def wall() -> Wall:
    """The time of day, which a test may change."""
    return Wall()


@pytest.fixture
async def pod(inbox: Inbox, slack: RotatingSlack, wall: Wall) -> AsyncIterator[RotationPod]:
    """A process that rotates tokens, with ONE and USER installed."""
    async with session() as opened:
        pod = RotationPod(inbox, slack.url, opened, wall, notify=True)
        await pod.save(ONE, USER)
        yield pod
        await pod.rotation.stop()


def expired(held: Installation) -> Installation:
    """The same, with a token that has expired."""
    assert held.bot is not None
    return replace(held, bot=replace(held.bot, expires_at=EXPIRED))


async def let_others_try(pod: RotationPod) -> None:
    """As after a while: leases and waits are over."""
    for table in (installation, user_token):
        over = update(table).where(table.c.refresh_until.is_not(None)).values(refresh_until=now() - 1)
        await pod.store.transact(lambda c, over=over: c.execute(over) and None)


async def test_a_token_that_lasts_is_used_as_it_is(pod: RotationPod, slack: RotatingSlack) -> None:
    """A token without an end, or with more than two minutes left, costs neither a statement nor a call."""
    for token in (Token("xoxb-1"), Token("xoxe.xoxb-1", "xoxe-1", NOW + 121), None):
        held = replace(ONE, bot=token)
        assert await pod.rotation.fresh(held) is held
    assert slack.asked == []


@pytest.mark.parametrize("expires_at", [SOON, EXPIRED])
async def test_fifty_uses_of_a_token_that_is_due_make_one_refresh(
    pod: RotationPod, slack: RotatingSlack, expires_at: float
) -> None:
    """All of them get the new token, which is stored and made known to the other pods."""
    held = replace(ONE, bot=Token("xoxe.xoxb-old", "xoxe-old", expires_at))
    await pod.save(held)
    found = await asyncio.gather(*(pod.rotation.fresh(held) for _ in range(50)))

    assert [one.bot for one in found] == 50 * [NEW]
    assert (await pod.bot()).bot == NEW
    assert slack.asked == ["xoxe-old"]
    assert pod.cache.changes == ["T1"]
    assert (await pod.rotation.fresh(held)).bot == NEW, "who still has the old one is given what is stored"
    assert slack.asked == ["xoxe-old"]


async def test_a_sweep_refreshes_what_expires_within_half_an_hour(pod: RotationPod, slack: RotatingSlack) -> None:
    """Also of a workspace that is idle, of the bot and of users; what lasts longer waits for another sweep."""
    later = replace(ONE, workspace="T2", bot=Token("xoxe.xoxb-2", "xoxe-2", NOW + 1_801))
    await pod.save(later, replace(ONE, workspace="T3", bot=Token("xoxb-3")))
    await pod.rotation.sweep()

    assert sorted(slack.asked) == ["xoxe-old", "xoxe-user"]
    assert slack.asked[0] == "xoxe-old", "the bot's token first"
    assert (await pod.bot()).bot == NEW
    assert (await pod.user()).access == "xoxe.xoxp-2-of-xoxe-user"
    assert await pod.bot("T2") == later


async def test_sweeps_come_by_themselves_and_end(
    inbox: Inbox, slack: RotatingSlack, wall: Wall, pod: RotationPod
) -> None:
    """A refresh that is under way at the end is still written."""
    async with session() as opened:
        sweeping = RotationPod(inbox, slack.url, opened, wall, sweep_seconds=0.01)
        slack.answers.clear()
        sweeping.rotation.start()
        await until(lambda: slack.asked == ["xoxe-old"], what="a sweep")
        sweeping.rotation.stop_sweeping()
        ending = asyncio.create_task(sweeping.rotation.stop())
        slack.answers.set()
        await ending
    assert (await pod.bot()).bot == NEW


async def test_a_sweep_ends_when_slack_is_away(pod: RotationPod, slack: RotatingSlack) -> None:
    """Of fifty tokens that are due it tries some; the others come with a later sweep."""
    for n in range(50):
        await pod.save(replace(ONE, workspace=f"T{n + 100}"))
    slack.faults += 50 * [Fault.DOWN]
    await pod.rotation.sweep()
    assert 10 <= len(slack.asked) < 50


async def test_a_users_token_is_refreshed_on_use(pod: RotationPod, slack: RotatingSlack) -> None:
    """It is the user's row alone that changes."""
    found = await pod.rotation.fresh_user(USER)
    assert found.access == "xoxe.xoxp-1-of-xoxe-user"
    assert (await pod.user(), await pod.bot()) == (found, ONE)
    assert slack.asked == ["xoxe-user"]


@pytest.mark.parametrize("fault", [None, Fault.DOWN])
async def test_a_user_whose_refresh_fails_leaves_the_bots_new_token(
    pod: RotationPod, slack: RotatingSlack, fault: Fault | None
) -> None:
    """The bot's is saved before the user's is tried, and only the user's row says what went wrong."""
    del slack.valid["xoxe-user"]
    slack.faults = [None, fault]
    await pod.rotation.sweep()

    assert (await pod.bot()).bot == NEW
    user = await pod.user()
    assert user.token == USER.token
    assert user.state is (InstallationState.INSTALLED if fault else InstallationState.REINSTALL_NEEDED)
    assert (await pod.bot()).state is InstallationState.INSTALLED


@pytest.mark.parametrize("fault", [Fault.NOT_TAKEN])
async def test_an_answer_that_was_lost_is_asked_for_again_at_once(
    pod: RotationPod, slack: RotatingSlack, fault: Fault
) -> None:
    """Where Slack had not used the refresh token up, the second call brings the new token."""
    slack.faults = [fault]
    before = metrics.token_refreshes.value("recovered")
    assert (await pod.rotation.fresh(ONE)).bot == NEW
    assert slack.asked == ["xoxe-old", "xoxe-old"]
    assert metrics.token_refreshes.value("recovered") == before + 1


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.HALF])
async def test_a_lost_answer_with_the_refresh_token_in_it_needs_a_reinstall(
    pod: RotationPod, slack: RotatingSlack, wall: Wall, fault: Fault
) -> None:
    """It is marked and counted, the installer is told once, and the old token is used for as long as it is valid."""
    slack.faults = [fault]
    before = metrics.token_refreshes.value("reinstall_needed")
    assert (await pod.rotation.fresh(ONE)).bot == ONE.bot
    marked = await pod.bot()
    assert marked.state is InstallationState.REINSTALL_NEEDED
    assert (
        marked.reason == "Slack refused the refresh token (invalid_refresh_token) after an answer of Slack's was lost"
    )
    assert metrics.token_refreshes.value("reinstall_needed") == before + 1
    assert [(token, channel) for token, channel, _ in slack.messages] == [("xoxe.xoxb-old", "U1")]
    assert INSTALL_URL in slack.messages[0][2]

    assert await pod.rotation.fresh(marked) is marked, "still valid"
    wall.now = SOON + 1
    with pytest.raises(NotAuthorizedError, match="must be installed again in T1"):
        await pod.rotation.fresh(marked)
    await pod.rotation.sweep()
    assert slack.asked.count("xoxe-old") == 2, "Slack is not asked again for what it has refused"
    assert len(slack.messages) == 1


async def test_a_new_token_that_cannot_be_refreshed_needs_a_reinstall(
    pod: RotationPod, slack: RotatingSlack, wall: Wall
) -> None:
    """It is used until it expires, and marked as soon as it comes, not when it has expired half a day later."""
    slack.faults = [Fault.LAST, Fault.LAST]
    before = metrics.token_refreshes.value("reinstall_needed")
    last = Token("xoxe.xoxb-1-of-xoxe-old", None, NOW + EXPIRES_IN)
    marked = await pod.rotation.fresh(ONE)
    user = await pod.rotation.fresh_user(USER)
    assert (marked, user) == (await pod.bot(), await pod.user())
    assert marked.bot == last
    for one in (marked, user):
        assert (one.state, one.reason) == (InstallationState.REINSTALL_NEEDED, CANNOT_BE_REFRESHED)
    assert metrics.token_refreshes.value("reinstall_needed") == before + 2
    assert [(token, channel) for token, channel, _ in slack.messages] == [(last.access, "U1")]
    assert (await pod.rotation.fresh(marked)).bot == last
    wall.now = NOW + EXPIRES_IN + 1
    with pytest.raises(NotAuthorizedError, match="must be installed again in T1"):
        await pod.rotation.fresh(marked)


async def test_an_installation_whose_token_cannot_be_refreshed_says_so_from_the_start(pod: RotationPod) -> None:
    """Whether Slack gave it so, or it was imported so."""
    last = Token("xoxe.xoxb-last", None, SOON)
    await pod.save(replace(AGAIN, bot=last), replace(USER, token=replace(last, access="xoxe.xoxp-last")))
    for one in (await pod.bot(), await pod.user()):
        assert (one.state, one.reason) == (InstallationState.REINSTALL_NEEDED, CANNOT_BE_REFRESHED)
    await pod.save(AGAIN)
    assert (await pod.bot()).state is InstallationState.INSTALLED


async def test_an_installation_after_that_works_at_once(pod: RotationPod, slack: RotatingSlack, wall: Wall) -> None:
    """Also where this process still remembers the one that did not."""
    slack.valid.clear()
    marked = await pod.rotation.fresh(ONE)
    await pod.save(AGAIN)
    wall.now = SOON + 1
    assert (await pod.rotation.fresh(marked)).bot == AGAIN.bot


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.DOWN],
        [Fault.LIMITED],
        [Fault.INTERNAL_ERROR],
        [Fault.BAD_SECRET],
        [Fault.NOT_TAKEN, Fault.NOT_TAKEN],
        [Fault.NOT_TAKEN, Fault.DOWN],
    ],
    ids=", then ".join,
)
async def test_a_slack_that_is_busy_or_down_is_asked_later(
    pod: RotationPod, slack: RotatingSlack, wall: Wall, faults: list[Fault]
) -> None:
    """Nothing is marked, nobody asks again before the time is over, the old token is used, and then it succeeds."""
    slack.faults = list(faults)
    assert await pod.rotation.fresh(ONE) == ONE
    assert await pod.rotation.fresh(ONE) == ONE
    await pod.rotation.sweep()
    assert slack.asked.count("xoxe-old") == len(faults)
    assert await pod.bot() == ONE

    wall.now = SOON + 1
    with pytest.raises(TokenExpiredError):
        await pod.rotation.fresh(ONE)
    wall.now = NOW
    await let_others_try(pod)
    pod.requests.clock = lambda: float("inf")
    found = (await pod.rotation.fresh(ONE)).bot
    assert found is not None
    assert found.access.endswith("-of-xoxe-old")


async def test_nobody_waits_for_longer_than_the_limit(inbox: Inbox, slack: RotatingSlack, wall: Wall) -> None:
    """With a valid token one goes on with it, with an expired one comes another attempt; the refresh itself goes on."""
    async with session() as opened:
        pod = RotationPod(inbox, slack.url, opened, wall, wait_seconds=0.05)
        await pod.save(ONE)
        slack.answers.clear()
        assert await pod.rotation.fresh(ONE) is ONE
        with pytest.raises(TokenExpiredError):
            await pod.rotation.fresh(expired(ONE))
        slack.answers.set()
        await until(lambda: pod.cache.changes == ["T1"], what="the new token is written")
        assert (await pod.rotation.fresh(expired(ONE))).bot == NEW
        assert slack.asked == ["xoxe-old"]


async def test_an_installation_during_a_refresh_wins(pod: RotationPod, slack: RotatingSlack) -> None:
    """The token of the refresh is thrown away, and who waits for it is given the installation's."""
    slack.answers.clear()
    waiting = asyncio.create_task(pod.rotation.fresh(ONE))
    await until(lambda: slack.asked, what="Slack was called")
    await pod.save(AGAIN)
    slack.answers.set()
    assert (await waiting).bot == AGAIN.bot
    assert (await pod.bot()).bot == AGAIN.bot


async def test_a_refusal_that_comes_after_an_installation_marks_nothing(pod: RotationPod, slack: RotatingSlack) -> None:
    """Slack refused a refresh token that is not stored any more."""
    slack.valid.clear()
    slack.answers.clear()
    waiting = asyncio.create_task(pod.rotation.fresh(ONE))
    await until(lambda: slack.asked, what="Slack was called")
    await pod.save(AGAIN)
    slack.answers.set()
    assert (await waiting).bot == AGAIN.bot
    assert (await pod.bot()).state is InstallationState.INSTALLED
    assert slack.messages == []


async def test_a_workspace_that_left_and_came_back_during_a_refresh_keeps_its_new_token(
    pod: RotationPod, slack: RotatingSlack
) -> None:
    """Its row is another one with the same version, and nothing of the refresh gets into it."""
    slack.answers.clear()
    waiting = asyncio.create_task(pod.rotation.fresh(ONE))
    await until(lambda: slack.asked, what="Slack was called")
    assert await pod.store.transact(lambda c: pod.installations.remove(c, "T1"))
    await pod.save(AGAIN)
    assert (await pod.bot()).version == ONE.version
    slack.answers.set()
    await waiting
    assert (await pod.bot()).bot == AGAIN.bot


async def test_a_workspace_that_left_during_a_refresh_stays_away(pod: RotationPod, slack: RotatingSlack) -> None:
    """The new token is written nowhere, and who waits for it tries again."""
    slack.answers.clear()
    waiting = asyncio.create_task(pod.rotation.fresh(expired(ONE)))
    await until(lambda: slack.asked, what="Slack was called")
    assert await pod.store.transact(lambda c: pod.installations.remove(c, "T1"))
    slack.answers.set()
    with pytest.raises(TokenExpiredError):
        await waiting
    assert await pod.store.transact(pod.installations.all) == []


async def test_a_row_that_was_encrypted_anew_during_a_refresh_takes_the_token(
    pod: RotationPod, slack: RotatingSlack
) -> None:
    """Its version is another one, and its token is still the one that was refreshed."""
    slack.answers.clear()
    waiting = asyncio.create_task(pod.rotation.fresh(ONE))
    await until(lambda: slack.asked, what="Slack was called")
    assert ONE.bot is not None
    columns = pod.installations.rows.of_bot("T1", ONE.bot)
    anew = update(installation).values(**columns, version=installation.c.version + 1)
    await pod.store.transact(lambda c: c.execute(anew) and None)
    slack.answers.set()
    assert (await waiting).bot == NEW
    assert (await pod.bot()).bot == NEW


async def test_a_token_that_comes_after_the_mark_is_written(pod: RotationPod) -> None:
    """A pod that stood still had the answer: what another pod marked meanwhile works again."""
    where = pod.refresher
    seen = await pod.store.transact(lambda c: where.statements.find(c, _BOT))
    assert seen == ONE
    marked = await pod.store.transact(lambda c: where.statements.mark(c, _BOT, "xoxe-old", "refused"))
    assert marked is not None
    assert marked.state is InstallationState.REINSTALL_NEEDED
    assert await pod.store.transact(lambda c: where.statements.mark(c, _BOT, "xoxe-old", "refused")) is None
    written = await pod.store.transact(lambda c: where.statements.write(c, _BOT, "xoxe-old", NEW))
    again = await pod.store.transact(lambda c: where.statements.write(c, _BOT, "xoxe-old", NEW))
    assert written == again == replace(ONE, bot=NEW, version=2) == await pod.bot()


async def test_a_mark_between_reading_and_taking_leaves_no_turn(
    pod: RotationPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark ended the lease and left the version: who has read the row before looks again, and does not call."""
    await pod.store.transact(lambda c: pod.statements.mark(c, _BOT, "xoxe-old", "refused"))
    monkeypatch.setattr(pod.statements, "find", lambda *_: ONE)  # as it was read before
    seen = await pod.store.transact(lambda c: pod.statements.take(c, _BOT, NOW + EXPIRES_IN, 30))
    assert seen.turn is Turn.OTHERS


async def test_the_lease_of_a_pod_that_died_runs_out(pod: RotationPod, slack: RotatingSlack) -> None:
    """Until then others wait for it; then one of them refreshes."""
    dead = update(installation).values(refresh_owner="a pod that died", refresh_until=now() + 30)
    await pod.store.transact(lambda c: c.execute(dead) and None)
    waiting = asyncio.create_task(pod.rotation.fresh(ONE))
    await asyncio.sleep(0)
    assert slack.asked == []
    await let_others_try(pod)
    assert (await waiting).bot == NEW


async def test_tokens_are_stored_encrypted_and_shown_nowhere(
    pod: RotationPod, slack: RotatingSlack, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the table, nor a log line, nor what an object prints has a token or the app's secret."""
    slack.faults = [Fault.NOT_TAKEN, Fault.DOWN]
    await pod.rotation.fresh(ONE)
    await let_others_try(pod)
    found = await pod.rotation.fresh(ONE)
    seen = await pod.store.transact(lambda c: pod.statements.take(c, _BOT, NOW + 2 * EXPIRES_IN, 30))
    rows = await pod.store.transact(lambda c: [*c.execute(select(installation)), *c.execute(select(user_token))])
    shown = f"{rows} {found!r} {seen!r} {pod.requests!r} {''.join(capfd.readouterr())}"
    assert seen.refresh_token is not None
    assert not any(secret in shown for secret in ("xoxe", "xoxb", "xoxp", "of-the-app"))
