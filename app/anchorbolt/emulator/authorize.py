"""/oauth/v2/authorize: the page on which a user chooses a workspace and allows the app what it asks for, or cancels."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from anchorbolt.emulator.state.grants import Grant
from anchorbolt.emulator.state.teams import TEAMS
from anchorbolt.emulator.state.workspace import Workspace

PATH = "/oauth/v2/authorize"
_KEPT = ("scope", "user_scope", "state", "redirect_uri")


def authorize_route(workspace: Workspace) -> Route:
    """The route of the page, and of its two buttons."""
    pages = Environment(loader=PackageLoader("anchorbolt.emulator", "templates"), autoescape=True)

    async def authorize(request: Request) -> Response:
        asked: Mapping[str, str] = request.query_params
        if request.method == "POST":  # Starlette's own way to read a form needs one more library
            asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        fields = {name: asked.get(name, "") for name in _KEPT}
        if not asked.get("client_id"):
            return PlainTextResponse("invalid_client_id", 400)
        if urlsplit(fields["redirect_uri"]).scheme not in ("http", "https"):
            return PlainTextResponse("bad_redirect_uri", 400)
        if not fields["scope"] and not fields["user_scope"]:
            return PlainTextResponse("invalid_scope", 400)
        if request.method == "GET":
            page = pages.get_template("authorize.html").render(
                fields=fields | {"client_id": asked["client_id"]}, teams=TEAMS.values(), chosen=asked.get("team")
            )
            return HTMLResponse(page)
        if asked.get("answer") != "allow":
            return _back(fields, error="access_denied")
        team = asked.get("team") or next(iter(TEAMS))
        of_app = asked["client_id"]
        grant = Grant(team, fields["scope"], fields["user_scope"], fields["redirect_uri"], client_id=of_app)
        return _back(fields, code=workspace.grants.allow(grant))

    return Route(PATH, authorize, methods=["GET", "POST"])


def _back(fields: dict[str, str], **answer: str) -> Response:
    """Sends the browser back to the app. The state is passed on only where the app gave one."""
    answer |= {"state": fields["state"]} if fields["state"] else {}
    return RedirectResponse(f"{fields['redirect_uri']}?{urlencode(answer)}", 303)
