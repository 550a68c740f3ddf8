"""Reads what Slack answers to `oauth.v2.access` when an app was installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.lifetime import lifetime, named_lifetime

# Ids become keys of the database and parts of addresses.
_ID = re.compile(r"[A-Z0-9]{2,32}")


class UnreadableGrantError(ValueError):
    """Slack's answer lacks what an installation is made of. The message holds nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user has allowed. `installation.bot` is None where the app got scopes of a user alone."""

    installation: Installation
    user: UserToken | None
    app_id: str | None = None


def read(answer: Mapping[str, Any], *, asked_at: float, installed_at: float) -> Grant:
    """Returns what an answer grants.

    Args:
        answer: of `oauth.v2.access` for a code, with `"ok": true`.
        asked_at: when we asked, in seconds since 1970: tokens that expire are counted from there.
        installed_at: by Slack's clock, in seconds since 1970.

    Raises UnreadableGrantError.
    """
    team, enterprise, granting = (_part(answer, name) for name in ("team", "enterprise", "authed_user"))
    org_wide = answer.get("is_enterprise_install") is True
    place = enterprise if org_wide else team
    workspace = _id(place, "id")
    if workspace is None:
        raise UnreadableGrantError("an answer without a workspace")
    bot, users = _token(answer, asked_at), _token(granting, asked_at)
    user_id = _id(granting, "id")
    if bot is None and (users is None or user_id is None):
        raise UnreadableGrantError("an answer without a token")
    installation = Installation(
        workspace=workspace,
        bot=bot,
        enterprise_id=_id(enterprise, "id"),
        org_wide=org_wide,
        name=_text(place, "name"),
        bot_user_id=_id(answer, "bot_user_id") if bot is not None else None,
        scopes=_scopes(answer) if bot is not None else (),
        installed_by=user_id,
        installed_at=installed_at,
    )
    user = None
    if users is not None and user_id is not None:
        user = UserToken(workspace, user_id, users, _scopes(granting), installed_at)
    return Grant(installation, user, _id(answer, "app_id"))


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    return found if isinstance(found, Mapping) else {}


def _token(part: Mapping[str, Any], asked_at: float) -> Token | None:
    access, refresh = part.get("access_token"), part.get("refresh_token")
    if not isinstance(access, str) or not access:
        return None
    if not isinstance(refresh, str) or not refresh:
        seconds = named_lifetime(part.get("expires_in"))
        return Token(access, None, None if seconds is None else asked_at + seconds)
    return Token(access, refresh, asked_at + lifetime(part.get("expires_in")))


def _scopes(part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(filter(None, (_text(part, "scope") or "").split(",")))


def _id(part: Mapping[str, Any], name: str) -> str | None:
    found = _text(part, name)
    return found if found is not None and _ID.fullmatch(found) else None


def _text(part: Mapping[str, Any], name: str) -> str | None:
    found = part.get(name)
    if not isinstance(found, str):
        return None
    # Neither database takes half of a surrogate pair, and PostgreSQL no null character: the code is used up by now.
    return found.encode("utf-8", "replace").decode().replace("\0", "") or None
