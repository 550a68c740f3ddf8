"""What names a token, and what it is stored in: that of the bot in a workspace, or that of a user there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anchorbolt.errors import TokenKeyError
from anchorbolt.workspaces.installation import Installation, Token, UserToken

# What a token is stored in: the installation, which has the bot's, or the row of a user.
TokenHolder = Installation | UserToken


@dataclass(frozen=True, slots=True)
class TokenId:
    """Names a token. `workspace`: that of the installation. `user_id`: None for the bot's token."""

    workspace: str
    user_id: str | None = None


def token_of(holder: TokenHolder | None) -> Token | None:
    """Returns the token of an installation's bot or of a user; None where there is none."""
    if isinstance(holder, UserToken):
        return holder.token
    return holder.bot if holder is not None else None


def refuse_without_key(holder: TokenHolder | None) -> None:
    """Raises TokenKeyError where this process, and perhaps no other, lacks the key of a token."""
    if holder is None or not holder.lacks_key:
        return
    place = holder.workspace if isinstance(holder, Installation) else f"{holder.workspace} by {holder.user_id}"
    raise TokenKeyError(
        f"this pod cannot use the token of {place}: {holder.reason}; if TOKEN_KEYS is being changed, finish the rollout"
    )


def with_token(holder: TokenHolder, token: Token) -> TokenHolder:
    """Returns it as it is once its token was refreshed."""
    state, reason, version = token.state, token.reason, holder.version + 1
    if isinstance(holder, UserToken):
        return replace(holder, token=token, state=state, reason=reason, version=version)
    return replace(holder, bot=token, state=state, reason=reason, version=version)
