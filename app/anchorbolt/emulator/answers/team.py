"""The methods about the workspace and the app: auth.test, team.info, bots.info, emoji.list, api.test."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator import tokens
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed
from anchorbolt.emulator.scene import APP_ID, BOT_ID, BOT_USER_ID
from anchorbolt.emulator.state import teams
from anchorbolt.emulator.state.teams import Team
from anchorbolt.emulator.state.workspace import Workspace


def api_test(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Returns the arguments, and fails with the error that they ask for."""
    told = {"args": dict(arguments)} if arguments else {}
    return ({"ok": False, "error": arguments["error"]} if arguments.get("error") else {"ok": True}) | told


def auth_test(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Tells whom the token belongs to: the bot, or a user, of the workspace that the token names."""
    team = _team(workspace)
    user = tokens.user_of(workspace.token)
    answer: Answer = {"ok": True, "url": f"https://{team.domain}.slack.com/", "team": team.name, "team_id": team.id}
    answer |= {"user_id": user, "is_enterprise_install": team.is_organization}
    if team.is_organization or team.enterprise_id:
        answer["enterprise_id"] = team.id if team.is_organization else team.enterprise_id
    if user == tokens.bot_user_of(team.id):
        return answer | {"user": "anchorbolt", "bot_id": tokens.bot_of(team.id)}
    return answer | {"user": user.lower()}


def auth_teams(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The workspaces that the app is installed in with the token: one, or all those of an organization."""
    team = _team(workspace)
    found = [one for one in teams.TEAMS.values() if one.enterprise_id == team.id] if team.is_organization else [team]
    listed = [{"id": one.id, "name": one.name} for one in found]
    return {"ok": True, "teams": listed, "response_metadata": {"next_cursor": ""}}


def team_info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The workspace of the token."""
    found = _team(workspace)
    team: dict[str, Any] = {"id": found.id, "name": found.name, "url": f"https://{found.domain}.slack.com/"}
    team |= {"domain": found.domain, "email_domain": "example.com"}
    icon = {f"image_{size}": f"https://avatars.example.com/team_{size}.png" for size in (34, 68, 132)}
    return {
        "ok": True,
        "team": team | {"icon": icon | {"image_default": True}, "avatar_base_url": "https://example.com/"},
    }


def bot_info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The app's bot, or another one."""
    bot_id = str(arguments.get("bot") or BOT_ID)
    if not bot_id.startswith("B"):
        return failed("bot_not_found")
    bot = {"id": bot_id, "deleted": False, "name": "anchorbolt", "updated": 1_700_000_000, "app_id": APP_ID}
    icons = {f"image_{size}": f"https://avatars.example.com/bot_{size}.png" for size in (36, 48, 72)}
    return {"ok": True, "bot": bot | {"user_id": BOT_USER_ID, "icons": icons}}


def emoji(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The workspace's own emoji: `emoji.list`."""
    found = {"anchor-works": "https://emoji.example.com/anchor-works.png", "anchor": "alias:anchor-works"}
    return {"ok": True, "emoji": found, "cache_ts": f"{int(now)}.000000"}


def identity(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user who signed in with Slack."""
    team = _team(workspace)
    user = {"id": "U0ADA", "name": "Ada Lovelace", "email": "ada@example.com"}
    return {"ok": True, "user": user, "team": {"id": team.id, "name": team.name, "domain": team.domain}}


def open_id_user(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user who signed in with OpenID Connect."""
    answer = {"ok": True, "sub": "U0ADA", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}
    answer |= {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "locale": "en-US",
        "picture": "https://example.com/a.png",
    }
    return answer | {"https://slack.com/user_id": "U0ADA", "https://slack.com/team_id": _team(workspace).id}


def _team(workspace: Workspace) -> Team:
    return teams.find(tokens.team_of(workspace.token))


METHODS: dict[str, Answering] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "auth.teams.list": auth_teams,
    "team.info": team_info,
    "bots.info": bot_info,
    "emoji.list": emoji,
    "users.identity": identity,
    "openid.connect.userInfo": open_id_user,
}
