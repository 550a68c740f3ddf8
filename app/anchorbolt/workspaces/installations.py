"""The installations and the users' tokens in the database: saved, found and removed (rows.py encrypts the tokens)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select, update

from anchorbolt.encryption import Keys
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import installation, user_token
from anchorbolt.workspaces.installation import Installation, UserToken
from anchorbolt.workspaces.rows import Rows

# What an installation again writes anew; the rest of the row is its key.
_BY_INSTALL = tuple(c.name for c in installation.c if c.name not in ("workspace", "version"))
_BY_USER = tuple(c.name for c in user_token.c if c.name not in ("workspace", "user_id", "version"))
_SELECTED = select(
    installation,
    exists().where(user_token.c.workspace == installation.c.workspace).label("has_users"),
)


class Installations:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str, keys: Keys) -> None:
        """`keys`: encrypt and decrypt the tokens."""
        self._dialect = dialect
        self.rows = Rows(keys)

    def save(self, connection: Connection, found: Installation, *, only_younger: bool = False) -> bool:
        """Writes an installation in the place of one that is there. Of two at the same time the later one stays.

        `only_younger`: nothing is written where the one that is there is as young, or younger. Returns whether it was
        written.
        """
        values = self.rows.of_installation(found)
        into = insert(self._dialect, installation).values(**values, version=1, updated_at=now())
        written = connection.execute(
            into.on_conflict_do_update(
                index_elements=[installation.c.workspace],
                set_={
                    **{name: into.excluded[name] for name in _BY_INSTALL},
                    "version": installation.c.version + 1,
                },
                where=_is_older(installation, "bot_expires_at", into.excluded) if only_younger else None,
            )
        )
        return written.rowcount > 0

    def save_without_bot(self, connection: Connection, found: Installation) -> None:
        """Writes an installation for users' tokens alone. One that has a bot stays, and counts as changed."""
        values = self.rows.of_workspace(found)
        into = insert(self._dialect, installation).values(
            workspace=found.workspace, **values, scopes="", version=1, updated_at=now()
        )
        written = connection.execute(
            into.on_conflict_do_update(
                index_elements=[installation.c.workspace],
                set_={**values, "version": installation.c.version + 1, "updated_at": into.excluded["updated_at"]},
                where=installation.c.bot_token.is_(None),
            )
        )
        if written.rowcount == 0:
            its = installation.c.workspace == found.workspace
            connection.execute(update(installation).where(its).values(updated_at=now()))

    def save_user(self, connection: Connection, found: UserToken, *, only_younger: bool = False) -> bool:
        """Writes a user's token in the place of one that is there. `only_younger` and the answer are as of `save`."""
        values = self.rows.of_user(found)
        into = insert(self._dialect, user_token).values(**values, version=1, updated_at=now())
        written = connection.execute(
            into.on_conflict_do_update(
                index_elements=[user_token.c.workspace, user_token.c.user_id],
                set_={**{name: into.excluded[name] for name in _BY_USER}, "version": user_token.c.version + 1},
                where=_is_older(user_token, "expires_at", into.excluded) if only_younger else None,
            )
        )
        return written.rowcount > 0

    def find(self, connection: Connection, workspaces: Collection[str]) -> dict[str, Installation]:
        """Returns those of the workspaces and organizations that are there, by their ids.

        One whose tokens cannot be decrypted is found without them, and needs to be installed again.
        """
        rows = connection.execute(_SELECTED.where(_is_one_of(workspaces)))
        return {row.workspace: self.rows.installation(row) for row in rows}

    def versions(self, connection: Connection, workspaces: Collection[str]) -> dict[str, float]:
        """Returns the `updated_at` of those that are there."""
        asked = select(installation.c.workspace, installation.c.updated_at)
        return {row.workspace: row.updated_at for row in connection.execute(asked.where(_is_one_of(workspaces)))}

    def all(self, connection: Connection) -> list[Installation]:
        """Returns all installations, by their ids: for operators."""
        rows = connection.execute(_SELECTED.order_by(installation.c.workspace))
        return [self.rows.installation(row) for row in rows]

    def find_user(self, connection: Connection, workspace: str, user_id: str) -> UserToken | None:
        """Returns what the user `user_id` of a `workspace` has granted, or None.

        What cannot be decrypted is returned without its token.
        """
        row = connection.execute(select(user_token).where(*_is_user(workspace, user_id))).one_or_none()
        return self.rows.user(row) if row is not None else None

    def remove(
        self, connection: Connection, workspace: str, *, before: float | None = None, version: int | None = None
    ) -> bool:
        """Removes an installation and its users' tokens. Returns whether it was there.

        Args:
            connection: of the transaction.
            workspace: its id.
            before: only one that was installed until that time, in seconds since 1970; None: any.
            version: only one with the tokens of this version; None: any.
        """
        where: list[ColumnElement[bool]] = [installation.c.workspace == workspace]
        if before is not None:
            where.append(installation.c.installed_at <= before)
        if version is not None:
            where.append(installation.c.version == version)
        if connection.execute(delete(installation).where(*where)).rowcount == 0:
            return False
        connection.execute(delete(user_token).where(user_token.c.workspace == workspace))
        return True

    def remove_user(
        self,
        connection: Connection,
        workspace: str,
        user_id: str,
        *,
        before: float | None = None,
        version: int | None = None,
    ) -> bool:
        """Removes one user's token. Returns whether it was there. `before` and `version`: as of `remove`."""
        where = _is_user(workspace, user_id)
        if before is not None:
            where.append(user_token.c.installed_at <= before)
        if version is not None:
            where.append(user_token.c.version == version)
        return connection.execute(delete(user_token).where(*where)).rowcount > 0


def _is_user(workspace: str, user_id: str) -> list[ColumnElement[bool]]:
    return [user_token.c.workspace == workspace, user_token.c.user_id == user_id]


def _is_one_of(workspaces: Collection[str]) -> ColumnElement[bool]:
    return installation.c.workspace.in_(workspaces)


def _is_older(table: Table, expires_at: str, new: Any) -> ColumnElement[bool]:
    """Whether a row is older than a new one: of two of one installation, the later to expire came of a refresh."""
    is_same = table.c.installed_at == new["installed_at"]
    expires_later = func.coalesce(table.c[expires_at], 0) < func.coalesce(new[expires_at], 0)
    return or_(table.c.installed_at < new["installed_at"], and_(is_same, expires_later))
