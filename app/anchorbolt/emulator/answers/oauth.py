"""oauth.v2.access, and what ends an installation: auth.revoke and apps.uninstall."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator import tokens
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, flag
from anchorbolt.emulator.scene import APP_ID
from anchorbolt.emulator.state import teams
from anchorbolt.emulator.state.grants import Grant, Grants
from anchorbolt.emulator.state.workspace import Workspace

SCOPES = "commands,chat:write"


def access(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Exchanges a code, or a refresh token, for tokens. Each of them works once.

    A code is one of the page /oauth/v2/authorize, and works for the app and the address that it was given to.
    """
    for name, word in (("client_id", "invalid_client_id"), ("client_secret", "bad_client_secret")):
        if not arguments.get(name):
            return failed(word)
    if arguments.get("grant_type") == "refresh_token":
        return _refresh(str(arguments.get("refresh_token") or ""), workspace.grants)
    code, grants = str(arguments.get("code") or ""), workspace.grants
    grant = grants.of_code(code)
    if grant is None or grant.client_id not in ("", arguments["client_id"]):
        return failed("invalid_code")
    if grant.redirect_uri not in ("", arguments.get("redirect_uri") or ""):
        return failed("bad_redirect_uri")
    if not grants.use(code):
        return failed("code_already_used")
    team = teams.find(grant.team)
    enterprise = teams.find(grant.team if team.is_organization else team.enterprise_id or "")
    return {
        "ok": True,
        "app_id": APP_ID,
        "authed_user": {"id": grant.user} | _user_token(grant, grants),
        "team": None if team.is_organization else {"id": team.id, "name": team.name},
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise.id else None,
        "is_enterprise_install": team.is_organization,
    } | _bot_token(grant, grants)


def revoke(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Revokes the token. One that names no workspace goes on to work, because every app of a developer shares it."""
    if flag(arguments, "test"):
        return {"ok": True, "revoked": False}
    workspace.grants.revoke(workspace.token)
    return {"ok": True, "revoked": True}


def uninstall(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Revokes all tokens that the app has in the workspace of the token. No event tells the app of it."""
    workspace.grants.revoke(workspace.token)
    workspace.grants.uninstall(tokens.team_of(workspace.token))
    return {"ok": True}


def _bot_token(grant: Grant, grants: Grants) -> dict[str, Any]:
    if not grant.scopes:
        return {}
    token = grants.issue(tokens.new_bot_token(grant.team, expires=grants.expires_in is not None))
    about = {"access_token": token, "token_type": "bot", "scope": grant.scopes}
    return about | {"bot_user_id": tokens.bot_user_of(grant.team)} | _expiry(grants, grant.team)


def _user_token(grant: Grant, grants: Grants) -> dict[str, Any]:
    if not grant.user_scopes:
        return {}
    token = grants.issue(tokens.new_user_token(grant.team, grant.user, expires=grants.expires_in is not None))
    about = {"access_token": token, "token_type": "user", "scope": grant.user_scopes}
    return about | _expiry(grants, grant.team, grant.user)


def _refresh(refresh_token: str, grants: Grants) -> Answer:
    if not refresh_token.startswith("xoxe-") or tokens.is_shared(refresh_token) or not grants.use(refresh_token):
        return failed("invalid_refresh_token")
    team, user = tokens.team_of(refresh_token), tokens.user_of(refresh_token)
    expires_in = grants.expires_in or 43_200
    if user == tokens.bot_user_of(team):
        answer = {"access_token": grants.issue(tokens.new_bot_token(team, expires=True)), "token_type": "bot"}
        answer |= {"scope": SCOPES, "bot_user_id": user, "refresh_token": tokens.new_refresh_token(team)}
    else:
        answer = {"access_token": grants.issue(tokens.new_user_token(team, user, expires=True)), "token_type": "user"}
        answer |= {"scope": "", "refresh_token": tokens.new_refresh_token(team, user)}
    return {"ok": True, "app_id": APP_ID, "expires_in": expires_in} | answer


def _expiry(grants: Grants, team: str, user: str | None = None) -> dict[str, Any]:
    if grants.expires_in is None:
        return {}
    return {"expires_in": grants.expires_in, "refresh_token": tokens.new_refresh_token(team, user)}


METHODS: dict[str, Answering] = {
    "oauth.v2.access": access,
    "auth.revoke": revoke,
    "apps.uninstall": uninstall,
}
