"""Answers requests of workspaces that we have no token for. No listener runs for them; whoever asked is told why."""

from __future__ import annotations

from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.run import RUN, NoListenerRuns, Run
from anchorbolt.delivery import Kind
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

# One warning for each workspace, and none for those beyond so many.
MOST_WARNINGS = 1_000


class NoInstallation:
    """Answers in the way in which each kind of request can show a text, and remembers which workspaces it was."""

    def __init__(self, outcome: NoListenerRuns, text: str) -> None:
        """`outcome`: of the runs that it answers. `text`: for the user."""
        self._outcome = outcome
        self._text = text
        self._seen: set[str | None] = set()

    def is_first(self, request: AsyncBoltRequest) -> bool:
        """Whether this is the first request of its workspace, and a warning is due."""
        workspace = workspace_of(request)
        if workspace in self._seen or len(self._seen) >= MOST_WARNINGS:
            return False
        self._seen.add(workspace)
        return True

    async def answer(self, request: AsyncBoltRequest) -> BoltResponse:
        """Returns the response, and marks the run.

        Whoever clicked is told by a message to the `response_url`, which needs no token, because the response to a
        click shows nothing. That goes on after the response as a part of the run.
        """
        run: Run = request.context[RUN]
        run.no_listener_runs = self._outcome
        kind = run.delivery.kind
        if kind in (Kind.ACTION, Kind.SHORTCUT) and request.context.response_url:
            run.spawn(self._tell(request))
            if run.ack_by is None:  # of a stored run nothing may go on when this returns
                await run.wait()
        return self._response(kind, run.delivery.type)

    def _response(self, kind: Kind, of: str) -> BoltResponse:
        """What Slack is answered: 200, with the text where the response to this kind can show one."""
        if kind is Kind.COMMAND:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": self._text})
        if kind is Kind.OPTIONS:
            return BoltResponse(status=200, body={"options": []})
        if of == "view_submission":
            return BoltResponse(status=200, body={"response_action": "update", "view": self._view()})
        return BoltResponse(status=200, body="")

    def _view(self) -> dict[str, Any]:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": self._text}}
        return {"type": "modal", "title": {"type": "plain_text", "text": "Not installed"}, "blocks": [section]}

    async def _tell(self, request: AsyncBoltRequest) -> None:
        """Posts the text to the `response_url`. That it fails is no failure of the delivery: nothing ran for it."""
        respond = request.context.respond
        assert respond is not None  # noqa: S101 - Bolt makes one for every request
        try:
            await respond(self._text, response_type="ephemeral", replace_original=False)
        except Exception as error:  # whatever the connection raises
            log.info("a user could not be told that the app is not installed", error=type(error).__name__)


def workspace_of(request: AsyncBoltRequest) -> str | None:
    """The workspace that a request belongs to, or its organization."""
    return request.context.team_id or request.context.enterprise_id
