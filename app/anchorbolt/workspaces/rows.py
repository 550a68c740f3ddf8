"""Rows of installations and of users' tokens: written with the tokens encrypted, and read back.

Each ciphertext is bound to its place (encryption.py), which is here the column of one row.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from anchorbolt.encryption import Keys
from anchorbolt.errors import NoKeyError, UndecryptableError
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces.installation import Installation, Token, UserToken


def place_of_bot(workspace: str, column: str) -> str:
    """The place of a token of a bot; `column`: of the table `installation`."""
    return f"installation/{workspace}/{column}"


def place_of_user(workspace: str, user_id: str, column: str) -> str:
    """The place of a token of a user; `column`: of the table `user_token`."""
    return f"user_token/{workspace}/{user_id}/{column}"


class Rows:
    """Writes and reads the columns, with some keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def of_installation(self, found: Installation) -> dict[str, Any]:
        """The columns of an installation that has just been made, but its version and when it was written."""
        return {
            "workspace": found.workspace,
            **self.of_workspace(found),
            "bot_id": found.bot_id,
            "bot_user_id": found.bot_user_id,
            "scopes": ",".join(found.scopes),
            "refresh_owner": None,
            "refresh_until": None,
            **self.of_bot(found.workspace, found.bot),
            **_state(found.bot, found),
        }

    def of_workspace(self, found: Installation) -> dict[str, Any]:
        """The columns of an installation that are not about its bot."""
        return {
            "enterprise_id": found.enterprise_id,
            "org_wide": int(found.org_wide),
            "name": found.name,
            "state": found.state.value,
            "reason": found.reason,
            "installed_by": found.installed_by,
            "installed_at": found.installed_at,
        }

    def of_user(self, found: UserToken) -> dict[str, Any]:
        """The columns of a user's token that has just been granted, but its version and when it was written."""
        assert found.token is not None  # noqa: S101 - what could not be decrypted is saved by nobody
        return {
            "workspace": found.workspace,
            "user_id": found.user_id,
            "scopes": ",".join(found.scopes),
            "installed_at": found.installed_at,
            "refresh_owner": None,
            "refresh_until": None,
            **self.of_users_token(found.workspace, found.user_id, found.token),
            **_state(found.token, found),
        }

    def of_bot(self, workspace: str, bot: Token | None) -> dict[str, Any]:
        """The columns that hold a bot's token, encrypted."""
        if bot is None:
            return {"bot_token": None, "bot_refresh_token": None, "bot_expires_at": None}
        return {
            "bot_token": self._keys.encrypt(bot.access, place_of_bot(workspace, "bot_token")),
            "bot_refresh_token": self._encrypted(bot.refresh, place_of_bot(workspace, "bot_refresh_token")),
            "bot_expires_at": bot.expires_at,
        }

    def of_users_token(self, workspace: str, user_id: str, token: Token) -> dict[str, Any]:
        """Returns the columns that hold a user's token, encrypted for the row of `workspace` and `user_id`."""
        return {
            "token": self._keys.encrypt(token.access, place_of_user(workspace, user_id, "token")),
            "refresh_token": self._encrypted(token.refresh, place_of_user(workspace, user_id, "refresh_token")),
            "expires_at": token.expires_at,
        }

    def installation(self, row: Row[Any]) -> Installation:
        """Returns the installation; one whose token cannot be decrypted has none, and has to be installed again."""
        bot, state, reason, lacks_key = None, InstallationState(row.state), row.reason, False
        if row.bot_token is not None:
            try:
                bot = Token(
                    self._keys.decrypt(row.bot_token, place_of_bot(row.workspace, "bot_token")),
                    self._decrypted(row.bot_refresh_token, place_of_bot(row.workspace, "bot_refresh_token")),
                    row.bot_expires_at,
                )
            except UndecryptableError as error:
                lacks_key = _lacks_key(error, state)
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
            lacks_key=lacks_key,
        )

    def user(self, row: Row[Any]) -> UserToken:
        """Returns a user's token; one that cannot be decrypted is None, and has to be granted again."""
        token, state, reason, lacks_key = None, InstallationState(row.state), row.reason, False
        try:
            token = Token(
                self._keys.decrypt(row.token, place_of_user(row.workspace, row.user_id, "token")),
                self._decrypted(row.refresh_token, place_of_user(row.workspace, row.user_id, "refresh_token")),
                row.expires_at,
            )
        except UndecryptableError as error:
            lacks_key = _lacks_key(error, state)
            state, reason = InstallationState.REINSTALL_NEEDED, str(error)
        return UserToken(
            workspace=row.workspace,
            user_id=row.user_id,
            token=token,
            scopes=_scopes(row.scopes),
            installed_at=row.installed_at,
            state=state,
            reason=reason,
            version=row.version,
            lacks_key=lacks_key,
        )

    def _encrypted(self, text: str | None, place: str) -> str | None:
        return None if text is None else self._keys.encrypt(text, place)

    def _decrypted(self, text: str | None, place: str) -> str | None:
        return None if text is None else self._keys.decrypt(text, place)


def _state(token: Token | None, found: Installation | UserToken) -> dict[str, str | None]:
    """The state that is saved: a token that cannot be refreshed says so itself, before it has expired."""
    if token is not None and token.reason is not None:
        return {"state": token.state.value, "reason": token.reason}
    return {"state": found.state.value, "reason": found.reason}


def _lacks_key(error: UndecryptableError, stored: InstallationState) -> bool:
    """Whether a process with the key could use the token: not where it was marked before that it is worth nothing."""
    return isinstance(error, NoKeyError) and stored is InstallationState.INSTALLED


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
