"""Whose token it is: that of the bot in a workspace, or that of a user there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anchorbolt.errors import TokenKeyError
from anchorbolt.workspaces.installation import Installation, Token, UserToken

# What is stored of the bot or the user that a token belongs to.
Kept = Installation | UserToken


@dataclass(frozen=True, slots=True)
class Whose:
    """A token's row. `workspace`: that of the installation. `user_id`: None for the bot's token."""

    workspace: str
    user_id: str | None = None


def token_of(kept: Kept | None) -> Token | None:
    """Returns the token of an installation's bot or of a user; None where there is none."""
    if isinstance(kept, UserToken):
        return kept.token
    return kept.bot if kept is not None else None


def refuse_without_key(kept: Kept | None) -> None:
    """Raises TokenKeyError where this process, and perhaps no other, lacks the key of a token."""
    if kept is None or not kept.lacks_key:
        return
    place = kept.workspace if isinstance(kept, Installation) else f"{kept.workspace} by {kept.user_id}"
    raise TokenKeyError(
        f"this pod cannot use the token of {place}: {kept.reason}; if TOKEN_KEYS is being changed, finish the rollout"
    )


def with_token(kept: Kept, token: Token) -> Kept:
    """Returns it as it is once its token was refreshed."""
    state, reason, version = token.state, token.reason, kept.version + 1
    if isinstance(kept, UserToken):
        return replace(kept, token=token, state=state, reason=reason, version=version)
    return replace(kept, bot=token, state=state, reason=reason, version=version)
