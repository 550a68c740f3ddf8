"""Wires the two pages, from the settings."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
from starlette.routing import BaseRoute, Route

from anchorbolt.http.oauth.begin import BeginPage, authorize_url
from anchorbolt.http.oauth.cookies import Cookies
from anchorbolt.http.oauth.finish import FinishPage
from anchorbolt.http.oauth.page import PageSlots
from anchorbolt.http.oauth.pages import Pages
from anchorbolt.inbox.store import Store
from anchorbolt.settings import INSTALL_PATH, Settings
from anchorbolt.workspaces.directory import Directory
from anchorbolt.workspaces.install import Install
from anchorbolt.workspaces.oauth_client import OAuthClient
from anchorbolt.workspaces.states import States

REDIRECT = "/slack/oauth_redirect"


def routes(
    settings: Settings,
    store: Store,
    directory: Directory,
    session: Callable[[], aiohttp.ClientSession],
    is_away: Callable[[], bool],
) -> list[BaseRoute]:
    """Returns the routes.

    Args:
        settings: with what installation by OAuth needs.
        store: the database with the states and the installations.
        directory: told of new installations.
        session: returns the HTTP session of the process, once it is open.
        is_away: whether this process starts or ends, so that another one should be asked.
    """
    public_url = settings.public_url or ""
    redirect_uri = public_url + REDIRECT
    scopes, user_scopes = _listed(settings.slack_scopes), _listed(settings.slack_user_scopes)
    pages, slots = Pages(settings.install_url), PageSlots(is_away)
    states, cookies = States(store), Cookies(secure=public_url.startswith("https://"))
    client = OAuthClient.of(settings, session)
    install = Install(store, directory.changed, directory.installations, client, redirect_uri)
    asks = {
        "client_id": client.client_id,
        "scope": ",".join(scopes),
        "user_scope": ",".join(user_scopes),
        "redirect_uri": redirect_uri,
    }
    begin = BeginPage(pages, slots, states, cookies, authorize_url(settings.slack_api_url), asks)
    finish = FinishPage(
        pages,
        slots,
        states,
        cookies,
        install,
        scopes=scopes,
        user_scopes=user_scopes,
        without_state=settings.install_without_state,
    )
    return [Route(path, page, include_in_schema=False) for path, page in ((INSTALL_PATH, begin), (REDIRECT, finish))]


def _listed(scopes: str | None) -> list[str]:
    return [scope.strip() for scope in (scopes or "").split(",") if scope.strip()]
