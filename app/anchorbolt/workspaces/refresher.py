"""Refreshes one token, once over all pods: lease, read, call, write.

What can go wrong between the call and the write has an end here. An answer that is lost is asked for again at once. A
new token is written until it is written, because the old refresh token is gone. Where Slack knows the refresh token no
more, the workspace needs to be installed again: that is marked, logged and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anchorbolt.errors import StoreError
from anchorbolt.inbox.store import Store
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.workspaces.refresh_statements import RefreshStatements, Turn
from anchorbolt.workspaces.token_holder import TokenHolder, TokenId
from anchorbolt.workspaces.token_requests import CALL_SECONDS, Later, Lost, New, NotValid, TokenRequests

log = get_logger("workspaces")

# Two calls, and what a busy process loses around them. While a pod that died holds the lease, nobody else refreshes.
LEASE_SECONDS = 2 * CALL_SECONDS + 10
LOST_SECONDS = 5.0  # until the next try, after two answers were lost
LOOK_SECONDS = 0.2  # how often a process looks whether another one is done
WRITE_AGAIN_SECONDS = (0.2, 5.0)  # the first and the longest wait, while the database is away


# Tells somebody that a workspace needs to be installed again.
Tell = Callable[[TokenHolder], Awaitable[None]]


async def tell_nobody(_: TokenHolder) -> None:
    """Tells nobody that a workspace must be installed again: the default, without NOTIFY_INSTALLER."""


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes a token in this process, when TokenRotation says which and when.

    `changed`: told the id of a workspace once its tokens have changed (InstallationCache.changed). `tell`: called once
    over all pods for what has to be installed again.
    """

    store: Store
    changed: Callable[[str], None]
    statements: RefreshStatements
    requests: TokenRequests
    tell: Tell = tell_nobody
    lease_seconds: float = LEASE_SECONDS

    async def refresh(self, token_id: TokenId, expires_before: float) -> TokenHolder | None:
        """Refreshes a token that expires before a time, or waits for the process that does.

        Returns what is stored then: with a new token, or with the old one where none could be had. None: it is not
        there any more. Raises a StoreError.
        """
        while True:
            seen = await self.store.transact(
                lambda c: self.statements.take(c, token_id, expires_before, self.lease_seconds), reads=True
            )
            if seen.turn is Turn.OTHERS:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if seen.holder is not None and seen.refresh_token is not None:
                return await self._call(token_id, seen.holder, seen.refresh_token)
            return seen.holder

    async def _call(self, token_id: TokenId, holder: TokenHolder, refresh_token: str) -> TokenHolder | None:
        kind = "bot" if token_id.user_id is None else "user"
        answer = await self.requests.refresh(refresh_token, kind)
        was_lost = isinstance(answer, Lost)
        if was_lost:
            answer = await self.requests.refresh(refresh_token, kind)
        if isinstance(answer, New):
            return await self._write(token_id, refresh_token, answer, was_lost=was_lost)
        if isinstance(answer, NotValid):
            return await self._mark(token_id, refresh_token, answer, was_lost=was_lost)
        return await self._put_off(token_id, holder, answer)

    async def _write(self, token_id: TokenId, used: str, answer: New, *, was_lost: bool) -> TokenHolder | None:
        wait, longest = WRITE_AGAIN_SECONDS
        while True:
            try:
                written = await self.store.transact(lambda c: self.statements.write(c, token_id, used, answer.token))
                break
            except StoreError as error:
                log.error("a new token is not written yet: the database is away", **_names(token_id), error=str(error))
                await asyncio.sleep(wait)
                wait = min(2 * wait, longest)
        self.changed(token_id.workspace)
        if written is None:
            metrics.token_refreshes.add("superseded")
            log.info("a new token is not needed: it was installed again or removed meanwhile", **_names(token_id))
            return await self.store.transact(lambda c: self.statements.find(c, token_id), reads=True)
        if answer.token.reason is not None:
            return await self._marked(token_id, written, answer.token.reason)
        metrics.token_refreshes.add("recovered" if was_lost else "refreshed")
        log.debug("token refreshed", **_names(token_id))
        return written

    async def _mark(self, token_id: TokenId, refused: str, answer: NotValid, *, was_lost: bool) -> TokenHolder | None:
        lost = " after an answer of Slack's was lost" if was_lost else ""
        reason = f"Slack refused the refresh token ({answer.word}){lost}"
        marked = await self.store.transact(lambda c: self.statements.mark(c, token_id, refused, reason))
        self.changed(token_id.workspace)
        if marked is None:
            metrics.token_refreshes.add("superseded")
            return await self.store.transact(lambda c: self.statements.find(c, token_id), reads=True)
        return await self._marked(token_id, marked, reason)

    async def _marked(self, token_id: TokenId, marked: TokenHolder, reason: str) -> TokenHolder:
        """Says that it is marked, in the log, in the metric and to who installed the app."""
        metrics.token_refreshes.add("reinstall_needed")
        log.warning("reinstall needed: the token cannot be refreshed any more", **_names(token_id), reason=reason)
        await self.tell(marked)
        return marked

    async def _put_off(self, token_id: TokenId, holder: TokenHolder, answer: Later | Lost) -> TokenHolder:
        if isinstance(answer, Later):
            seconds, why = answer.seconds, answer.why
        else:
            seconds, why = LOST_SECONDS, f"no answer ({answer.why})"
        metrics.token_refreshes.add("failed")
        log.warning("a token is not refreshed yet", **_names(token_id), reason=why, again_in_seconds=round(seconds, 1))
        await self.store.transact(lambda c: self.statements.put_off(c, token_id, seconds))
        return holder


def _names(token_id: TokenId) -> dict[str, str]:
    return {"workspace": token_id.workspace} | ({"user": token_id.user_id} if token_id.user_id is not None else {})
