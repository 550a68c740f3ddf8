"""Keeps tokens valid that expire: a sweep in each pod, and a look at each token that is about to be used.

A sweep takes what expires within half an hour, also of workspaces that are idle, so that the use of a token hardly ever
meets one that is due. See docs/decisions/0097-tokens-are-refreshed-once.md.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeVar

from anchorbolt.errors import NotAuthorizedError, StoreError, TokenExpiredError
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.workspaces.installation import Installation, UserToken
from anchorbolt.workspaces.refresher import Refresher
from anchorbolt.workspaces.token_holder import TokenHolder, TokenId, refuse_without_key, token_of

log = get_logger("workspaces")

SWEEP_SECONDS = 60.0  # between two sweeps, half as much to half as much again
AHEAD_SECONDS = 30 * 60.0
ON_USE_SECONDS = 120.0
WAIT_SECONDS = 3.0
STOP_SECONDS = 2.0
# What one sweep takes at most, and how many calls of it are under way at once.
MOST = 200
AT_ONCE = 4
# After so many that failed, a sweep ends: it is Slack that is away, and the next sweep comes.
MOST_FAILED = 10

Found = TypeVar("Found", Installation, UserToken)


class TokenRotation:
    """Rotates tokens, as Slack calls it: the sweeps of this process, and the look at each token before its use."""

    def __init__(
        self,
        refresher: Refresher,
        wall_clock: Callable[[], float] = time.time,
        *,
        wait_seconds: float = WAIT_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        """`wall_clock`: in seconds since 1970. `wait_seconds`: how long who uses a token waits for a refresh."""
        self._refresher = refresher
        self._wall_clock = wall_clock
        self._wait_seconds = wait_seconds
        self._sweep_seconds = sweep_seconds
        self._running: dict[TokenId, asyncio.Task[TokenHolder | None]] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._failed_in_sweep = 0

    async def fresh(self, installation: Installation) -> Installation:
        """Returns the installation with a bot's token that may be used now. It seldom waits, and never over 3 s.

        Raises TokenExpiredError where the token has expired and no new one could be had in time, NotAuthorizedError
        where none can be had at all (TokenKeyError where another process may have it), and a StoreError. While the old
        token is valid it raises nothing.
        """
        return await self._fresh(TokenId(installation.workspace), installation)

    async def fresh_user(self, user_token: UserToken) -> UserToken:
        """Returns a user's token that may be used now; raises as `fresh` does."""
        return await self._fresh(TokenId(user_token.workspace, user_token.user_id), user_token)

    def start(self) -> None:
        """Starts the task that looks for tokens which expire soon."""
        self._sweeping = spawn(self._sweep_again_and_again(), "token sweep")

    def stop_sweeping(self) -> None:
        """Begins no more sweeps: this process ends soon, and another one sweeps."""
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def stop(self) -> None:
        """Ends the sweeps. Refreshes under way have 2 s to end: a new token that is not written is lost."""
        self.stop_sweeping()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=STOP_SECONDS)
        for task in list(self._running.values()):
            task.cancel()

    async def sweep(self) -> None:
        """Refreshes what expires within half an hour and is nobody else's turn: the bots' tokens, then the users'."""
        before = self._wall_clock() + AHEAD_SECONDS
        try:
            due = await self._refresher.store.transact(
                lambda c: self._refresher.statements.due(c, before, MOST), reads=True
            )
        except StoreError:
            return  # the store has said so, and the next sweep comes
        self._failed_in_sweep = 0
        for some in ([w for w in due if w.user_id is None], [w for w in due if w.user_id is not None]):
            random.shuffle(some)  # pods that sweep at the same time begin with different ones
            await asyncio.gather(*(self._refresh_all(some, before) for _ in range(AT_ONCE)))

    async def _sweep_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds * (0.5 + random.random()))
            await self.sweep()

    async def _refresh_all(self, due: list[TokenId], before: float) -> None:
        while due and not self._refresher.requests.is_limited:
            task = self._refresh(due.pop(), before)
            await asyncio.wait([task])
            if task.cancelled() or task.exception() is not None or _is_due(task.result(), before):
                self._failed_in_sweep += 1
                if self._failed_in_sweep >= MOST_FAILED:
                    due.clear()

    async def _fresh(self, token_id: TokenId, held: Found) -> Found:
        refuse_without_key(held)
        if not self._ends_within(held, ON_USE_SECONDS):
            return held
        if held.state is InstallationState.REINSTALL_NEEDED and not self._ends_within(held, 0):
            return held
        try:
            found = await self._wait_for(token_id)
        except StoreError:
            if self._ends_within(held, 0):
                raise
            return held
        if isinstance(found, type(held)) and not self._ends_within(found, 0):
            return found
        if not self._ends_within(held, 0):
            return held
        refuse_without_key(found)  # it was renewed by a process with a newer key
        if found is not None and found.state is InstallationState.REINSTALL_NEEDED:
            raise NotAuthorizedError(f"the app must be installed again in {_place(token_id)}: {found.reason}")
        raise TokenExpiredError(f"the token of {_place(token_id)} has expired, and Slack gave no new one in time")

    async def _wait_for(self, token_id: TokenId) -> TokenHolder | None:
        task = self._refresh(token_id, self._wall_clock() + ON_USE_SECONDS)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            return None

    def _refresh(self, token_id: TokenId, expires_before: float) -> asyncio.Task[TokenHolder | None]:
        """The refresh of this token that is under way in this process: one for all that wait for it."""
        task = self._running.get(token_id)
        if task is None:
            task = asyncio.create_task(self._refresher.refresh(token_id, expires_before), name="refresh of a token")
            self._running[token_id] = task
            task.add_done_callback(lambda done: self._ended(token_id, done))
        return task

    def _ended(self, token_id: TokenId, task: asyncio.Task[TokenHolder | None]) -> None:
        del self._running[token_id]
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, StoreError):
            log.error("a refresh ended with an error", workspace=token_id.workspace, exc_info=error)

    def _ends_within(self, holder: TokenHolder, seconds: float) -> bool:
        token = token_of(holder)
        if token is None or token.expires_at is None:
            return holder.state is InstallationState.REINSTALL_NEEDED and token is None
        return token.expires_at - self._wall_clock() < seconds


def _place(token_id: TokenId) -> str:
    return token_id.workspace if token_id.user_id is None else f"{token_id.workspace} by {token_id.user_id}"


def _is_due(holder: TokenHolder | None, before: float) -> bool:
    """Whether it still waits for a new token: its refresh failed, and is tried again."""
    token = token_of(holder)
    if holder is None or token is None or token.expires_at is None:
        return False
    return holder.state is InstallationState.INSTALLED and token.expires_at <= before
