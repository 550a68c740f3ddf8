"""Deliveries of foreign workspaces: those that the token which we have is not for (docs/decisions/0075).

No listener may run for them, because it would act with our token on the channels and users of another workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.run import RUN, Run
from anchorbolt.delivery import Kind
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

TEXT = "This app is not installed in this workspace. Ask an administrator of the workspace to install it."
# One warning for each foreign workspace, and none for those beyond so many.
MOST_WARNINGS = 1_000


@dataclass(frozen=True, slots=True)
class Installation:
    """What `auth.test` says of the installation that a token belongs to. `org_wide`: that of a whole Enterprise org."""

    team_id: str | None
    enterprise_id: str | None
    org_wide: bool

    @classmethod
    def of(cls, auth_test: Any) -> Installation:
        """Reads the answer of `auth.test` (https://docs.slack.dev/reference/methods/auth.test)."""
        return cls(
            auth_test.get("team_id") or None,
            auth_test.get("enterprise_id") or None,
            auth_test.get("is_enterprise_install") is True,
        )

    def covers(self, request: AsyncBoltRequest) -> bool:
        """Returns whether a request belongs to this installation; True where nothing says that it does not.

        An event names the installations that it is for in `authorizations`; its outer `team_id` may be that of another
        workspace, in a channel that is shared by Slack Connect. Of anything else Bolt's extractors say the workspace.
        """
        if self.team_id is None and self.enterprise_id is None:
            return True
        body, context = request.body, request.context
        named = body.get("authorizations") if body.get("type") == "event_callback" else None
        if isinstance(named, list) and named:
            return any(self._is(one) for one in named if isinstance(one, Mapping))
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
        self._warned: set[str | None] = set()

    async def answer(self, request: AsyncBoltRequest, ours: Installation) -> BoltResponse:
        """Returns the response, marks the run as foreign, and warns once a workspace.

        Whoever clicked is told by a message to the `response_url`, which needs no token, because the response to a
        click shows nothing. That goes on after the response as a part of the run.
        """
        run: Run = request.context[RUN]
        run.foreign = True
        self._warn(request.context.team_id or request.context.enterprise_id, ours)
        kind = run.delivery.kind
        if kind in (Kind.ACTION, Kind.SHORTCUT) and request.context.response_url:
            run.spawn(_tell(request))
            if run.ack_by is None:  # of a stored run nothing may go on when this returns
                await run.wait()
        return _response(kind, run.delivery.type)

    def _warn(self, workspace: str | None, ours: Installation) -> None:
        if workspace in self._warned or len(self._warned) >= MOST_WARNINGS:
            return
        self._warned.add(workspace)
        log.warning(
            "a foreign workspace sends to this app: nothing runs for it",
            team_id=workspace,
            token_is_for=ours.team_id or ours.enterprise_id,
            advice="the app is installed there too, and SLACK_BOT_TOKEN is for one workspace alone",
        )


def _response(kind: Kind, of: str) -> BoltResponse:
    """What Slack is answered: 200, with the text where the response to this kind can show one."""
    if kind is Kind.COMMAND:
        return BoltResponse(status=200, body={"response_type": "ephemeral", "text": TEXT})
    if kind is Kind.OPTIONS:
        return BoltResponse(status=200, body={"options": []})
    if of == "view_submission":
        return BoltResponse(status=200, body={"response_action": "update", "view": _view()})
    return BoltResponse(status=200, body="")


def _view() -> dict[str, Any]:
    section = {"type": "section", "text": {"type": "plain_text", "text": TEXT}}
    return {"type": "modal", "title": {"type": "plain_text", "text": "Not installed"}, "blocks": [section]}


async def _tell(request: AsyncBoltRequest) -> None:
    """Posts the text to the `response_url`. That it fails is no failure of the delivery: nothing ran for it."""
    respond = request.context.respond
    assert respond is not None  # noqa: S101 - Bolt makes one for every request
    try:
        await respond(TEXT, response_type="ephemeral", replace_original=False)
    except Exception as error:  # whatever the connection raises
        log.info("a user of a foreign workspace could not be told", error=type(error).__name__)
