"""The methods about the workspace and the app: auth.*, team.info, bots.info, emoji.list, oauth.*, api.test."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed
from anchorbolt.emulator.scene import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID
from anchorbolt.emulator.state.workspace import Workspace

_NAME = "Anchor Works"
_URL = f"https://{TEAM_DOMAIN}.slack.com/"


def api_test(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Returns the arguments, and fails with the error that they ask for."""
    told = {"args": dict(arguments)} if arguments else {}
    return ({"ok": False, "error": arguments["error"]} if arguments.get("error") else {"ok": True}) | told


def auth_test(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Tells whom the token belongs to: the bot of the made-up workspace."""
    return {
        "ok": True,
        "url": _URL,
        "team": _NAME,
        "user": "anchorbolt",
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def auth_revoke(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Says that the token is revoked. It goes on to work here, because every app of a developer shares it."""
    return {"ok": True, "revoked": str(arguments.get("test", "")).lower() not in ("1", "true")}


def auth_teams(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The workspaces that the app is installed in."""
    return {"ok": True, "teams": [{"id": TEAM_ID, "name": _NAME}], "response_metadata": {"next_cursor": ""}}


def team_info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The made-up workspace."""
    team = {"id": TEAM_ID, "name": _NAME, "url": _URL, "domain": TEAM_DOMAIN, "email_domain": "example.com"}
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
    """The workspace's own emoji."""
    found = {"anchor-works": "https://emoji.example.com/anchor-works.png", "anchor": "alias:anchor-works"}
    return {"ok": True, "emoji": found, "cache_ts": f"{int(now)}.000000"}


def oauth_access(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Installs the app in the made-up workspace, for any code."""
    if arguments.get("grant_type", "authorization_code") == "authorization_code" and not arguments.get("code"):
        return failed("invalid_code")
    answer = {"ok": True, "access_token": "xoxb-installed", "token_type": "bot", "scope": "commands,chat:write"}
    answer |= {"bot_user_id": BOT_USER_ID, "app_id": APP_ID, "team": {"id": TEAM_ID, "name": _NAME}}
    return answer | {"enterprise": None, "is_enterprise_install": False, "authed_user": {"id": "U0ADA"}}


def identity(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user who signed in with Slack."""
    user = {"id": "U0ADA", "name": "Ada Lovelace", "email": "ada@example.com"}
    return {"ok": True, "user": user, "team": {"id": TEAM_ID, "name": _NAME, "domain": TEAM_DOMAIN}}


def open_id_user(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user who signed in with OpenID Connect."""
    answer = {"ok": True, "sub": "U0ADA", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}
    answer |= {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "locale": "en-US",
        "picture": "https://example.com/a.png",
    }
    return answer | {"https://slack.com/user_id": "U0ADA", "https://slack.com/team_id": TEAM_ID}


METHODS: dict[str, Answering] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "auth.revoke": auth_revoke,
    "auth.teams.list": auth_teams,
    "team.info": team_info,
    "bots.info": bot_info,
    "emoji.list": emoji,
    "oauth.v2.access": oauth_access,
    "users.identity": identity,
    "openid.connect.userInfo": open_id_user,
}
