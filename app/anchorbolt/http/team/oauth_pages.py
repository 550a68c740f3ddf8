"""The routes of the pages of a team's app that installs by OAuth on its own (INSTALLATIONS=app)."""

from __future__ import annotations

from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anchorbolt.bolt.adopt.oauth_pages import Headers, OAuthPages


def routes(pages: OAuthPages) -> list[BaseRoute]:
    """Returns a route for each of the two pages."""

    async def page(request: Request) -> Response:
        headers: Headers = {name: request.headers.getlist(name) for name in request.headers}
        return to_starlette_response(await pages.answer(request.url.path, request.url.query, headers))

    paths = (pages.install_path, pages.redirect_path)
    return [Route(path, page, methods=["GET"], include_in_schema=False) for path in paths]
