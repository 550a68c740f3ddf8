"""The installations and the users' tokens in the database: saved, found and removed, with their tokens encrypted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, exists, func, or_, select, update

from anchorbolt.encryption import Keys
from anchorbolt.errors import UndecryptableError
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import installation, user_token
from anchorbolt.workspaces import places
from anchorbolt.workspaces.installation import Installation, InstallationState, Token, UserToken

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
        self._keys = keys

    def save(self, connection: Connection, found: Installation, *, only_younger: bool = False) -> bool:
        """Writes an installation in the place of one that is there: two at once leave one, the later.

        `only_younger`: where the one that is there is as young or younger, nothing is written. Returns whether it was.
        """
        values = {
            "workspace": found.workspace,
            "enterprise_id": found.enterprise_id,
            "org_wide": int(found.org_wide),
            "name": found.name,
            "state": found.state.value,
            "reason": found.reason,
            "bot_id": found.bot_id,
            "bot_user_id": found.bot_user_id,
            "scopes": ",".join(found.scopes),
            "installed_by": found.installed_by,
            "installed_at": found.installed_at,
            "refresh_owner": None,
            "refresh_until": None,
            **self.bot_columns(found.workspace, found.bot),
        }
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
        values = {
            "enterprise_id": found.enterprise_id,
            "org_wide": int(found.org_wide),
            "name": found.name,
            "state": found.state.value,
            "reason": found.reason,
            "installed_by": found.installed_by,
            "installed_at": found.installed_at,
        }
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
        values = {
            "workspace": found.workspace,
            "user_id": found.user_id,
            "scopes": ",".join(found.scopes),
            "state": found.state.value,
            "reason": found.reason,
            "installed_at": found.installed_at,
            "refresh_owner": None,
            "refresh_until": None,
            **self.user_columns(found.workspace, found.user_id, found.token),
        }
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
        return {row.workspace: self._installation(row) for row in rows}

    def versions(self, connection: Connection, workspaces: Collection[str]) -> dict[str, float]:
        """Returns the `updated_at` of those that are there."""
        asked = select(installation.c.workspace, installation.c.updated_at)
        return {row.workspace: row.updated_at for row in connection.execute(asked.where(_is_one_of(workspaces)))}

    def all(self, connection: Connection) -> list[Installation]:
        """Returns all installations, by their ids: for operators."""
        rows = connection.execute(_SELECTED.order_by(installation.c.workspace))
        return [self._installation(row) for row in rows]

    def count(self, connection: Connection) -> dict[str, int]:
        """Returns how many installations there are, by state."""
        counted = select(installation.c.state, func.count().label("installations")).group_by(installation.c.state)
        return {row.state: row.installations for row in connection.execute(counted)}

    def find_user(self, connection: Connection, workspace: str, user_id: str) -> UserToken | None:
        """Returns a user's token, or None; None as well for one that cannot be decrypted."""
        row = connection.execute(select(user_token).where(*_is_user(workspace, user_id))).one_or_none()
        return self._user(row) if row is not None else None

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

    def bot_columns(self, workspace: str, bot: Token | None) -> dict[str, Any]:
        """The columns that hold a bot's token, encrypted."""
        if bot is None:
            return {"bot_token": None, "bot_refresh_token": None, "bot_expires_at": None}
        return {
            "bot_token": self._keys.encrypt(bot.access, places.of_bot(workspace, "bot_token")),
            "bot_refresh_token": None
            if bot.refresh is None
            else self._keys.encrypt(bot.refresh, places.of_bot(workspace, "bot_refresh_token")),
            "bot_expires_at": bot.expires_at,
        }

    def user_columns(self, workspace: str, user_id: str, token: Token) -> dict[str, Any]:
        """The columns that hold a user's token, encrypted."""
        return {
            "token": self._keys.encrypt(token.access, places.of_user(workspace, user_id, "token")),
            "refresh_token": None
            if token.refresh is None
            else self._keys.encrypt(token.refresh, places.of_user(workspace, user_id, "refresh_token")),
            "expires_at": token.expires_at,
        }

    def _installation(self, row: Row[Any]) -> Installation:
        bot, state, reason = None, InstallationState(row.state), row.reason
        if row.bot_token is not None:
            try:
                bot = Token(
                    self._keys.decrypt(row.bot_token, places.of_bot(row.workspace, "bot_token")),
                    None
                    if row.bot_refresh_token is None
                    else self._keys.decrypt(row.bot_refresh_token, places.of_bot(row.workspace, "bot_refresh_token")),
                    row.bot_expires_at,
                )
            except UndecryptableError as error:
                state, reason = InstallationState.REINSTALL_NEEDED, str(error)
        return Installation(
            workspace=row.workspace,
            bot=bot,
            enterprise_id=row.enterprise_id,
            org_wide=bool(row.org_wide),
            name=row.name,
            bot_id=row.bot_id,
            bot_user_id=row.bot_user_id,
            scopes=_scopes(row.scopes),
            installed_by=row.installed_by,
            installed_at=row.installed_at,
            state=state,
            reason=reason,
            version=row.version,
            has_users=bool(row.has_users),
            updated_at=row.updated_at,
        )

    def _user(self, row: Row[Any]) -> UserToken | None:
        try:
            token = Token(
                self._keys.decrypt(row.token, places.of_user(row.workspace, row.user_id, "token")),
                None
                if row.refresh_token is None
                else self._keys.decrypt(row.refresh_token, places.of_user(row.workspace, row.user_id, "refresh_token")),
                row.expires_at,
            )
        except UndecryptableError:
            return None
        return UserToken(
            workspace=row.workspace,
            user_id=row.user_id,
            token=token,
            scopes=_scopes(row.scopes),
            installed_at=row.installed_at,
            state=InstallationState(row.state),
            reason=row.reason,
            version=row.version,
        )


def _is_user(workspace: str, user_id: str) -> list[ColumnElement[bool]]:
    return [user_token.c.workspace == workspace, user_token.c.user_id == user_id]


def _is_one_of(workspaces: Collection[str]) -> ColumnElement[bool]:
    return installation.c.workspace.in_(workspaces)


def _is_older(table: Table, expires_at: str, new: Any) -> ColumnElement[bool]:
    """Whether a row is older than a new one: of two of one installation, the later to expire came of a refresh."""
    is_same = table.c.installed_at == new["installed_at"]
    expires_later = func.coalesce(table.c[expires_at], 0) < func.coalesce(new[expires_at], 0)
    return or_(table.c.installed_at < new["installed_at"], and_(is_same, expires_later))


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
