"""Which users have granted scopes of their own, for operators: all but the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from anchorbolt.inbox.tables import user_token


@dataclass(frozen=True, slots=True)
class UserGrant:
    """What a user granted. `expires_at`, `installed_at`: seconds since 1970; None: it does not expire."""

    user_id: str
    scopes: str
    state: str
    reason: str | None
    expires_at: float | None
    installed_at: float


def read(connection: Connection, workspace: str) -> list[UserGrant]:
    """Returns the users who have granted scopes of their own, by their ids."""
    columns = ("user_id", "scopes", "state", "reason", "expires_at", "installed_at")
    wanted = select(*(user_token.c[name] for name in columns)).where(user_token.c.workspace == workspace)
    return [UserGrant(**row) for row in connection.execute(wanted.order_by(user_token.c.user_id)).mappings()]


def count_by_workspace(connection: Connection) -> Mapping[str, int]:
    """Returns how many users have granted scopes of their own, by workspace."""
    counted = select(user_token.c.workspace, func.count()).group_by(user_token.c.workspace)
    return {workspace: users for workspace, users in connection.execute(counted)}  # noqa: C416 - rows are no pairs
