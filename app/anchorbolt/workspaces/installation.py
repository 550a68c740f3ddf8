"""What is known of an installation of the app in a workspace or an Enterprise organization, and of a user's token."""

from __future__ import annotations

from dataclasses import dataclass, field

from anchorbolt.inbox.installation_state import InstallationState

CANNOT_BE_REFRESHED = "its token expires, and Slack gave no refresh token with it"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the Web API. `expires_at`: seconds since 1970; None: it does not expire, and `refresh` is None too."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    @property
    def state(self) -> InstallationState:
        """REINSTALL_NEEDED where it expires and nothing came to refresh it with: it works until then."""
        is_last = self.expires_at is not None and self.refresh is None
        return InstallationState.REINSTALL_NEEDED if is_last else InstallationState.INSTALLED

    @property
    def reason(self) -> str | None:
        """Why the app must be installed again, where it must."""
        return CANNOT_BE_REFRESHED if self.state is InstallationState.REINSTALL_NEEDED else None


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace, or in all of an organization (`org_wide`).

    Args:
        workspace: the id that it is found by: of the workspace (T...), or of the organization if it is org-wide (E...).
        enterprise_id: the organization that the workspace belongs to, if any.
        bot: the bot's token; None where the app has no bot there.
        bot_id: of the bot (B...), as `auth.test` says.
        scopes: those that were granted to the bot.
        installed_by: the id of the user who installed it.
        installed_at: seconds since 1970, by Slack's clock.
        version: raised by each change of its tokens.
        reason: why it must be installed again, where it must.
        has_users: whether users have granted scopes of their own.
        updated_at: by the database's clock; tells one version of the row from any other.
        lacks_key: whether this process, and perhaps no other, lacks the key of the bot's token.
    """

    workspace: str
    bot: Token | None
    enterprise_id: str | None = None
    org_wide: bool = False
    name: str | None = None
    bot_id: str | None = None
    bot_user_id: str | None = None
    scopes: tuple[str, ...] = ()
    installed_by: str | None = None
    installed_at: float = 0.0
    state: InstallationState = InstallationState.INSTALLED
    reason: str | None = None
    version: int = 1
    has_users: bool = field(default=False, compare=False)
    updated_at: float = field(default=0.0, compare=False)
    lacks_key: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class UserToken:
    """What one user granted to the app.

    `workspace`: that of the installation. `token`: None if it cannot be decrypted. `lacks_key`: because this process,
    and perhaps no other, lacks its key.
    """

    workspace: str
    user_id: str
    token: Token | None
    scopes: tuple[str, ...] = ()
    installed_at: float = 0.0
    state: InstallationState = InstallationState.INSTALLED
    reason: str | None = None
    version: int = 1
    lacks_key: bool = field(default=False, compare=False)

    @property
    def access(self) -> str | None:
        """What Slack is called with."""
        return self.token.access if self.token is not None else None
