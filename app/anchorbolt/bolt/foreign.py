"""Deliveries of foreign workspaces: those that the token which we have is not for (docs/decisions/0075).

No listener may run for them, because it would act with our token on the channels and users of another workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.event_authorizations import authorizations_of
from anchorbolt.bolt.no_installation import NoInstallation, workspace_of
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

TEXT = "This app is not installed in this workspace. Ask an administrator of the workspace to install it."


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What `auth.test` says of where a token is valid. `org_wide`: in a whole Enterprise organization."""

    team_id: str | None
    enterprise_id: str | None
    org_wide: bool

    @classmethod
    def of(cls, auth_test: Any) -> TokenScope:
        """Reads the answer of `auth.test` (https://docs.slack.dev/reference/methods/auth.test)."""
        return cls(
            auth_test.get("team_id") or None,
            auth_test.get("enterprise_id") or None,
            auth_test.get("is_enterprise_install") is True,
        )

    def covers(self, request: AsyncBoltRequest) -> bool:
        """Returns whether a request belongs to where the token is valid; True where nothing says that it does not.

        An event names the installations that it is for. Of anything else Bolt's extractors say the workspace.
        """
        if self.team_id is None and self.enterprise_id is None:
            return True
        body, context = request.body, request.context
        named = authorizations_of(body)
        if named is not None:
            return any(map(self._is, named))
        if body.get("is_ext_shared_channel") is True:
            return True
        team_id, enterprise_id = context.team_id, context.enterprise_id
        if team_id is None:
            return True
        if enterprise_id is not None and enterprise_id == self.enterprise_id:
            return True  # the workspaces of an org share channels: a click may come from any of them
        return self._is({"team_id": team_id})

    def _is(self, named: Mapping[str, Any]) -> bool:
        team_id, enterprise_id = named.get("team_id"), named.get("enterprise_id")
        if team_id is not None and team_id == self.team_id:
            return True
        org_wide = self.org_wide or named.get("is_enterprise_install") is True
        return org_wide and enterprise_id is not None and enterprise_id in (self.enterprise_id, self.team_id)


class Foreign:
    """Answers what belongs to a foreign workspace."""

    def __init__(self) -> None:
        self._answers = NoInstallation("foreign", TEXT)

    async def answer(self, request: AsyncBoltRequest, ours: TokenScope) -> BoltResponse:
        """Returns the response, marks the run as foreign, and warns once a workspace."""
        if self._answers.is_first(request):
            log.warning(
                "a foreign workspace sends to this app: nothing runs for it",
                team_id=workspace_of(request),
                token_is_for=ours.team_id or ours.enterprise_id,
                advice="the app is installed there too, and SLACK_BOT_TOKEN is for one workspace alone",
            )
        return await self._answers.answer(request)
