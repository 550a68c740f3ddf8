"""What leaves with `app_uninstalled` and `tokens_revoked`: exactly what the event names, and nothing that is younger.

https://docs.slack.dev/reference/events/tokens_revoked: `tokens.oauth` has the ids of users whose own tokens are gone,
`tokens.bot` those of bots. An app has one bot a workspace, so any id there means its token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import installation, user_token
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.workspaces.installations import Installations

log = get_logger("workspaces")

APP_UNINSTALLED = "app_uninstalled"
TOKENS_REVOKED = "tokens_revoked"


@dataclass(frozen=True, slots=True)
class Named:
    """What an event says is gone.

    Args:
        workspace: the id of the installation: of the workspace, or of the organization if it was installed org-wide.
        at: when it left, in seconds since 1970, by Slack's clock.
        everything: the app is not installed there any more.
        bot: the bot's token is gone.
        users: the ids of users whose own tokens are gone.
    """

    workspace: str
    at: float
    everything: bool = False
    bot: bool = False
    users: tuple[str, ...] = ()


def read(payload: Mapping[str, Any]) -> Named | None:
    """Reads the whole payload of an event; None where it is another event, or does not say what left and when."""
    event, at = payload.get("event"), payload.get("event_time")
    workspace = installation_of(payload)
    if not isinstance(event, Mapping) or workspace is None or not isinstance(at, int | float):
        return None
    if event.get("type") == APP_UNINSTALLED:
        return Named(workspace, at, everything=True)
    if event.get("type") != TOKENS_REVOKED:
        return None
    tokens = event.get("tokens")
    tokens = tokens if isinstance(tokens, Mapping) else {}
    return Named(workspace, at, bot=bool(_ids(tokens.get("bot"))), users=_ids(tokens.get("oauth")))


def installation_of(payload: Mapping[str, Any]) -> str | None:
    """The id of the installation that an event is about: of the organization, if that installation is org-wide."""
    first = payload.get("authorizations")
    first = first[0] if isinstance(first, list) and first and isinstance(first[0], Mapping) else payload
    names = ("enterprise_id",) if first.get("is_enterprise_install") else ("team_id", "enterprise_id")
    return next((found for name in names for found in _ids([first.get(name) or payload.get(name)])), None)


class Leaving:
    """Removes what an event names. It may be called any number of times with the same event."""

    def __init__(self, store: Store, changed: Callable[[str], None], installations: Installations) -> None:
        """`changed`: told the id of a workspace once its installation has changed (InstallationCache.changed)."""
        self._store = store
        self._changed = changed
        self._installations = installations

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """Removes what the payload of `app_uninstalled` or `tokens_revoked` names. Raises a StoreError."""
        event = payload.get("event")
        if not isinstance(event, Mapping) or event.get("type") not in (APP_UNINSTALLED, TOKENS_REVOKED):
            return
        named = read(payload)
        if named is None:
            log.warning("an uninstallation or revoked tokens cannot be read: nothing is removed")
            return
        removed = await self._store.transact(lambda c: self._remove(c, named))
        # Also where nothing was removed: an attempt before this one may have died between its commit and this line.
        self._changed(named.workspace)
        log.info(
            "the app left a workspace" if named.everything else "tokens were revoked",
            workspace=named.workspace,
            removed=removed,
            users=len(named.users),
        )

    def _remove(self, connection: Connection, named: Named) -> bool:
        """Whether anything was there that is old enough."""
        # First, as an installation is written first.
        removed = [_remove_bot(connection, named)] if named.bot or named.everything else []
        if named.everything:  # each user's token has an age of its own: some are older than another installation
            older = (user_token.c.workspace == named.workspace, user_token.c.installed_at <= named.at)
            removed.append(connection.execute(delete(user_token).where(*older)).rowcount > 0)
        for user in named.users:
            removed.append(self._installations.remove_user(connection, named.workspace, user, before=named.at))
        if any(removed):
            _remove_what_is_empty(connection, named.workspace)
        return any(removed)


def _remove_bot(connection: Connection, named: Named) -> bool:
    """Takes the bot out of an installation, which the users' tokens still need."""
    of_bot = ("bot_token", "bot_refresh_token", "bot_expires_at", "bot_id", "bot_user_id")
    there = update(installation).where(
        installation.c.workspace == named.workspace,
        installation.c.installed_at <= named.at,
        installation.c.bot_token.is_not(None),
    )
    gone = dict.fromkeys((*of_bot, "reason", "refresh_owner", "refresh_until"))
    more = {
        "state": InstallationState.INSTALLED.value,
        "scopes": "",
        "version": installation.c.version + 1,
        "updated_at": now(),
    }
    return connection.execute(there.values(**gone, **more)).rowcount > 0


def _remove_what_is_empty(connection: Connection, workspace: str) -> None:
    """Removes an installation that has neither a bot nor a user left."""
    users = exists(select(user_token.c.user_id).where(user_token.c.workspace == workspace))
    connection.execute(
        delete(installation).where(installation.c.workspace == workspace, installation.c.bot_token.is_(None), ~users)
    )


def _ids(found: Any) -> tuple[str, ...]:
    """The ids in a list of Slack's; what is none is left out."""
    return tuple(one for one in found if isinstance(one, str) and one) if isinstance(found, list) else ()
