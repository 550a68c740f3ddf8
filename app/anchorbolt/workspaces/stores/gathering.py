"""Gathers the rows of a store of slack_sdk into one installation a workspace: of each, the newest.

A row is a mapping with the names of slack_sdk's columns, as its tables and its files have them. A store keeps a row for
each time that somebody installed the app, and in a table of their own the bots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.stores.values import BadValueError, scopes, seconds, text, truth

Row = Mapping[str, Any]
# When it was installed, when its token expires, which table or row: the greater is the newer.
Age = tuple[float, float, int, int]


@dataclass(frozen=True, slots=True)
class Gathered:
    """An installation, and its users' tokens."""

    installation: Installation
    users: tuple[UserToken, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not taken over, and why: a workspace, a file or a row."""

    what: str
    reason: str


@dataclass(slots=True)
class _Workspace:
    row: Row = field(default_factory=dict)
    row_age: Age = (0.0, 0.0, -1, 0)
    bot: Row | None = None
    bot_age: Age = (0.0, 0.0, -1, 0)
    users: dict[str, tuple[Age, Row]] = field(default_factory=dict)
    is_broken: bool = False  # a row of it could not be read, and that was said


class Gathering:
    """Takes rows in any order."""

    def __init__(self, client_id: str | None, now: float) -> None:
        """`client_id`: rows of other apps are left out; None: there is one app. `now`: seconds since 1970."""
        self._client_id = client_id
        self._now = now
        self._workspaces: dict[str, _Workspace] = {}
        self._count = 0
        self.client_ids: set[str] = set()
        self.skipped: list[Skipped] = []
        self.of_others = 0

    def add(self, row: Row, *, is_bot: bool, where: str) -> None:
        """Takes a row. `is_bot`: it is of the bots. `where`: names it in what is said of it."""
        self._count += 1
        client_id = text(row.get("client_id"))
        if client_id is not None and self._client_id is not None and client_id != self._client_id:
            self.of_others += 1
            return
        if client_id is not None:
            self.client_ids.add(client_id)
        workspace = _workspace_of(row)
        if workspace is None:
            self.skipped.append(Skipped(where, "it names neither a workspace nor an organization"))
            return
        found = self._workspaces.setdefault(workspace, _Workspace())
        try:
            self._note(found, row, is_bot=is_bot)
        except BadValueError as error:
            self.skipped.append(Skipped(where, str(error)))
            found.is_broken = True

    def result(self) -> list[Gathered]:
        """Returns what was gathered, by workspace; what cannot be used is added to `skipped`."""
        gathered = []
        for workspace, found in sorted(self._workspaces.items()):
            one = self._gathered(workspace, found)
            if one.installation.bot is not None or one.users:
                gathered.append(one)
            elif not found.is_broken:
                why = "its tokens have expired" if found.bot or found.users else "it has no token"
                self.skipped.append(Skipped(workspace, why))
        return gathered

    def _note(self, found: _Workspace, row: Row, *, is_bot: bool) -> None:
        installed_at = seconds(row.get("installed_at"), "installed_at") or 0.0
        bot_expires_at = seconds(row.get("bot_token_expires_at"), "bot_token_expires_at") or 0.0
        user_expires_at = seconds(row.get("user_token_expires_at"), "user_token_expires_at") or 0.0
        if text(row.get("bot_token")) is not None:
            # A refresh keeps the time of the installation; of the two tables, the bots' is written more often.
            age = (installed_at, bot_expires_at, int(is_bot), self._count)
            if age > found.bot_age:
                found.bot, found.bot_age = row, age
        # What a row of an installation says of it counts before what a bot's does.
        age = (installed_at, 0.0, int(not is_bot), self._count)
        if age > found.row_age:
            found.row, found.row_age = row, age
        user_id = text(row.get("user_id"))
        if user_id is not None and text(row.get("user_token")) is not None:
            age = (installed_at, user_expires_at, 0, self._count)
            before = found.users.get(user_id)
            if before is None or age > before[0]:
                found.users[user_id] = (age, row)

    def _gathered(self, workspace: str, found: _Workspace) -> Gathered:
        row, bot = found.row, found.bot or {}
        org_wide = _is_org_wide(row)
        names = ("enterprise_name", "team_name") if org_wide else ("team_name",)
        users = [
            UserToken(workspace, user_id, token, scopes(of.get("user_scopes")), age[0])
            for user_id, (age, of) in sorted(found.users.items())
            if (token := self._token(of, "user")) is not None
        ]
        installation = Installation(
            workspace=workspace,
            bot=self._token(bot, "bot"),
            enterprise_id=text(row.get("enterprise_id")),
            org_wide=org_wide,
            name=next((name for key in names if (name := text(row.get(key)))), None),
            bot_id=text(bot.get("bot_id")),
            bot_user_id=text(bot.get("bot_user_id")),
            scopes=scopes(bot.get("bot_scopes")),
            installed_by=text(row.get("user_id")),
            installed_at=max(found.row_age[0], found.bot_age[0]),
        )
        return Gathered(installation, tuple(users))

    def _token(self, row: Row, whose: str) -> Token | None:
        """A token, unless it has expired and cannot be refreshed."""
        access = text(row.get(f"{whose}_token"))
        refresh = text(row.get(f"{whose}_refresh_token"))
        expires_at = seconds(row.get(f"{whose}_token_expires_at"), "")
        if access is None or (expires_at is not None and expires_at <= self._now and refresh is None):
            return None
        return Token(access, refresh, expires_at)


def _workspace_of(row: Row) -> str | None:
    """The id that an installation is found by here.

    slack_sdk saves an org-wide installation with a team id where Slack named one, and looks for it without: it is never
    found there, and is here. One without a team id can be nothing but org-wide.
    """
    return text(row.get("enterprise_id")) if _is_org_wide(row) else text(row.get("team_id"))


def _is_org_wide(row: Row) -> bool:
    return truth(row.get("is_enterprise_install")) or text(row.get("team_id")) is None
