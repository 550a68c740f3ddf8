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
from anchorbolt.settings.model import INSTALL_PATH, REDIRECT_PATH, Settings
from anchorbolt.workspaces.install import Install
from anchorbolt.workspaces.installation_cache import InstallationCache
from anchorbolt.workspaces.oauth_client import OAuthClient
from anchorbolt.workspaces.oauth_states import OAuthStates


def routes(
    settings: Settings,
    store: Store,
    cache: InstallationCache,
    session: Callable[[], aiohttp.ClientSession],
    is_away: Callable[[], bool],
) -> list[BaseRoute]:
    """Returns the routes.

    Args:
        settings: with what installation by OAuth needs.
        store: the database with the states and the installations.
        cache: told of new installations.
        session: returns the HTTP session of the process, once it is open.
        is_away: whether this process starts or ends, so that another one should be asked.
    """
    pages, slots = Pages(settings.install_url), PageSlots(is_away)
    states, cookies = OAuthStates(store), Cookies(secure=settings.install_url.startswith("https://"))
    client = OAuthClient.of(settings, session)
    install = Install(store, cache.changed, cache.installations, client, settings.redirect_url)
    asks = {
        "client_id": client.client_id,
        "scope": ",".join(settings.bot_scopes),
        "user_scope": ",".join(settings.user_scopes),
        "redirect_uri": settings.redirect_url,
    }
    begin = BeginPage(pages, slots, states, cookies, authorize_url(settings.slack_api_url), asks)
    finish = FinishPage(
        pages,
        slots,
        states,
        cookies,
        install,
        scopes=settings.bot_scopes,
        user_scopes=settings.user_scopes,
        without_state=settings.install_without_state,
    )
    return [
        Route(INSTALL_PATH, begin, include_in_schema=False),
        Route(REDIRECT_PATH, finish, include_in_schema=False),
    ]
