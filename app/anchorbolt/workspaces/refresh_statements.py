"""The statements of a refresh: who may do it, the new token, and that an installation has to be done again.

A refresh token is good for one call, so one process at a time makes it. That process holds a lease on the row, and no
transaction while it calls Slack. What decides whether its result may be written is the refresh token that it called
with: as long as the row still has that one, no installation and no other refresh came in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, literal, or_, select, update

from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.sql import REAL, now, this_moment
from anchorbolt.inbox.tables import installation, user_token
from anchorbolt.workspaces.installation import Token
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.token_holder import TokenHolder, TokenId, token_of, with_token


class Turn(StrEnum):
    """Who refreshes a token now."""

    OURS = "ours"  # we took the lease
    OTHERS = "others"  # another process does, or has just done it: look again in a moment
    PAUSED = "paused"  # nobody for a while, because Slack said so or did not answer
    NOBODY = "nobody"  # it needs no refresh, or none is possible


@dataclass(frozen=True, slots=True)
class Seen:
    """What is stored, and whose turn it is.

    Args:
        holder: None where it is not there any more.
        turn: who refreshes it.
        refresh_token: to call Slack with, where it is our turn.
    """

    holder: TokenHolder | None
    turn: Turn
    refresh_token: str | None = field(default=None, repr=False)


class RefreshStatements:
    """The statements. Each method is to be called in a transaction."""

    def __init__(self, installations: Installations, owner: str) -> None:
        """`owner`: the name of this process, which no other has (Inbox.owner)."""
        self._installations = installations
        self._owner = owner

    def due(self, connection: Connection, expires_before: float, most: int) -> list[TokenId]:
        """Returns tokens that expire before a time and that nobody refreshes now, those of bots first.

        Args:
            connection: of the transaction.
            expires_before: in seconds since 1970.
            most: how many of bots, and how many of users.
        """
        bots = _due(installation, installation.c.bot_expires_at, installation.c.bot_refresh_token, expires_before)
        users = _due(user_token, user_token.c.expires_at, user_token.c.refresh_token, expires_before)
        of_bots = select(installation.c.workspace).where(*bots).order_by(installation.c.bot_expires_at).limit(most)
        of_users = (
            select(user_token.c.workspace, user_token.c.user_id)
            .where(*users)
            .order_by(user_token.c.expires_at)
            .limit(most)
        )
        return [TokenId(*row) for query in (of_bots, of_users) for row in connection.execute(query)]

    def take(self, connection: Connection, token_id: TokenId, expires_before: float, lease_seconds: float) -> Seen:
        """Takes the lease, if the token expires before a time and nobody else refreshes it. Reads the row as well.

        Args:
            connection: of the transaction.
            token_id: the token.
            expires_before: in seconds since 1970.
            lease_seconds: how long nobody else may refresh it.

        Our own lease is taken again: it is that of a commit token_id outcome was not known.
        """
        holder = self.find(connection, token_id)
        token = token_of(holder)
        if holder is None or token is None or token.refresh is None or token.expires_at is None:
            return Seen(holder, Turn.NOBODY)
        if holder.state is not InstallationState.INSTALLED or token.expires_at > expires_before:
            return Seen(holder, Turn.NOBODY)
        table, until = _table(token_id), now() + literal(lease_seconds, REAL())
        is_free = or_(
            table.c.refresh_until.is_(None), table.c.refresh_until <= now(), table.c.refresh_owner == self._owner
        )
        # The state too: a mark ends a lease without another version, perhaps since we have read.
        take = update(table).where(*_is(token_id), table.c.version == holder.version, _works(table), is_free)
        if connection.execute(take.values(refresh_owner=self._owner, refresh_until=until)).rowcount:
            return Seen(holder, Turn.OURS, token.refresh)
        look = select(table.c.refresh_owner, table.c.refresh_until).where(*_is(token_id))
        row = connection.execute(look).one_or_none()
        is_paused = row is not None and row.refresh_owner is None and row.refresh_until is not None
        return Seen(holder, Turn.PAUSED if is_paused else Turn.OTHERS)

    def write(self, connection: Connection, token_id: TokenId, used: str, fresh: Token) -> TokenHolder | None:
        """Writes a new token in the place of the one that was refreshed. Returns what is stored then.

        Args:
            connection: of the transaction.
            token_id: the token.
            used: the refresh token with which Slack was asked.
            fresh: the new token.

        None: it was installed again or removed meanwhile, or refreshed by another; the new token is not written. What
        was marked as needing to be installed again works again, unless the new token cannot be refreshed.
        """
        while True:  # once more for each change that comes in between
            holder = self.find(connection, token_id)
            there = token_of(holder)
            if holder is None or there is None:
                return None
            if there.access == fresh.access:  # ours, of a commit token_id outcome was not known
                return holder
            if there.refresh != used:
                return None
            if token_id.user_id is None:
                columns = self._installations.rows.of_bot(token_id.workspace, fresh)
            else:
                columns = self._installations.rows.of_users_token(token_id.workspace, token_id.user_id, fresh)
            columns |= {"state": fresh.state.value, "reason": fresh.reason, "version": holder.version + 1}
            if self._change(connection, token_id, holder.version, columns):
                return with_token(holder, fresh)

    def mark(self, connection: Connection, token_id: TokenId, refused: str, reason: str) -> TokenHolder | None:
        """Marks it as needing to be installed again, because Slack refused its refresh token.

        `refused`: that refresh token. `reason`: why, for the operator.

        Returns it as it is stored then; None where that was known already, or the row has another token meanwhile. The
        version stays, so that a process which did get a new token can still write it.
        """
        while True:
            holder = self.find(connection, token_id)
            there = token_of(holder)
            if holder is None or there is None or there.refresh != refused:
                return None
            if holder.state is not InstallationState.INSTALLED:
                return None
            marked = InstallationState.REINSTALL_NEEDED
            columns = {"state": marked.value, "reason": reason}
            if self._change(connection, token_id, holder.version, columns, _works(_table(token_id))):
                return replace(holder, state=marked, reason=reason)

    def put_off(self, connection: Connection, token_id: TokenId, seconds: float) -> None:
        """Ends our lease on the token. Nobody tries to refresh it again before so many `seconds` are over."""
        table, until = _table(token_id), now() + literal(seconds, REAL())
        ours = update(table).where(*_is(token_id), table.c.refresh_owner == self._owner)
        connection.execute(ours.values(refresh_owner=None, refresh_until=until))

    def find(self, connection: Connection, token_id: TokenId) -> TokenHolder | None:
        """Returns what is stored; None where it is not there."""
        if token_id.user_id is not None:
            return self._installations.find_user(connection, token_id.workspace, token_id.user_id)
        return self._installations.find(connection, [token_id.workspace]).get(token_id.workspace)

    def _change(
        self,
        connection: Connection,
        token_id: TokenId,
        version: int,
        columns: dict[str, Any],
        *where: ColumnElement[bool],
    ) -> bool:
        """Changes the row, and ends the lease on it. Whether it still had that version."""
        table = _table(token_id)
        change = update(table).where(*_is(token_id), table.c.version == version, *where)
        more = {"refresh_owner": None, "refresh_until": None, "updated_at": now()}
        return connection.execute(change.values(**columns, **more)).rowcount > 0


def _table(token_id: TokenId) -> Table:
    return installation if token_id.user_id is None else user_token


def _is(token_id: TokenId) -> list[ColumnElement[bool]]:
    table = _table(token_id)
    where = [table.c.workspace == token_id.workspace]
    if token_id.user_id is not None:
        where.append(table.c.user_id == token_id.user_id)
    return where


def _works(table: Table) -> ColumnElement[bool]:
    return table.c.state == InstallationState.INSTALLED.value


def _due(
    table: Table, expires_at: ColumnElement[float], refresh_token: ColumnElement[str], before: float
) -> list[ColumnElement[bool]]:
    return [
        _works(table),
        refresh_token.is_not(None),
        expires_at <= before,
        or_(table.c.refresh_until.is_(None), table.c.refresh_until <= this_moment()),
    ]
