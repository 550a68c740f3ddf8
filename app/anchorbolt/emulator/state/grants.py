"""What users have granted to the app on the page /oauth/v2/authorize, and which tokens came of that."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from anchorbolt.emulator.state.bounded import Bounded
from anchorbolt.emulator.tokens import is_shared, team_of

# A benchmark has 10,000 workspaces.
_KEPT = 20_000
INSTALLER = "U0ADA"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one user allowed, until the app exchanges its code.

    An empty `redirect_uri` or `client_id` is compared with nothing.
    """

    team: str
    scopes: str
    user_scopes: str = ""
    redirect_uri: str = ""
    user: str = INSTALLER
    client_id: str = ""


class Grants:
    """The codes, the refresh tokens that were used, and the tokens that are revoked.

    `expires_in`: how long new tokens last, in seconds; None: they do not expire, and have nothing to refresh.
    """

    def __init__(self) -> None:
        self.expires_in: int | None = None
        self._codes: Bounded[str, Grant] = Bounded()
        self._used: Bounded[str, bool] = Bounded(_KEPT)
        self._revoked: Bounded[str, bool] = Bounded(_KEPT)
        self._issued: Bounded[str, bool] = Bounded(_KEPT)

    def allow(self, grant: Grant) -> str:
        """Remembers what a user allowed. Returns the code for it."""
        code = f"{grant.team}.{secrets.token_hex(12)}"
        self._codes[code] = grant
        return code

    def of_code(self, code: str) -> Grant | None:
        """What a code stands for, or None."""
        return self._codes.get(code)

    def use(self, secret: str) -> bool:
        """Uses a code or a refresh token. Returns False where it was used before."""
        if secret in self._used:
            return False
        self._used[secret] = True
        return True

    def issue(self, token: str) -> str:
        """Remembers a token that the app is given. Returns it."""
        self._issued[token] = True
        return token

    def revoke(self, token: str) -> None:
        """From now on the token is refused. One that names no workspace goes on to work: every app shares it."""
        if not is_shared(token):
            self._revoked[token] = True

    def uninstall(self, team: str) -> None:
        """Revokes the tokens that the app was given for a workspace."""
        for token in [token for token in self._issued if team_of(token) == team]:
            self.revoke(token)

    def is_revoked(self, token: str) -> bool:
        """Whether a token is refused."""
        return token in self._revoked
