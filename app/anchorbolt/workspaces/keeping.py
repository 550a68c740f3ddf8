"""Wires what keeps the tokens of workspaces valid, from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable

import aiohttp

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.settings import Settings
from anchorbolt.workspaces.directory import Directory
from anchorbolt.workspaces.refresh import Refreshes
from anchorbolt.workspaces.refresher import Refresher, tell_nobody
from anchorbolt.workspaces.reinstall_message import ReinstallMessage
from anchorbolt.workspaces.rotation import Rotation
from anchorbolt.workspaces.token_requests import TokenRequests


def rotation(
    settings: Settings, inbox: Inbox, directory: Directory, session: Callable[[], aiohttp.ClientSession]
) -> Rotation:
    """Returns what refreshes the tokens, in an app that is installed by OAuth.

    Args:
        settings: the client's id and secret, and whether installers are told.
        inbox: whose database has the installations.
        directory: what this process remembers of them.
        session: returns the HTTP session of the process, once it is open.
    """
    secret = settings.slack_client_secret
    requests = TokenRequests(
        session,
        settings.slack_api_url,
        settings.slack_client_id or "",
        secret.get_secret_value() if secret is not None else "",
    )
    message = ReinstallMessage(requests, f"{settings.public_url}/slack/install", time.time)
    refresher = Refresher(
        inbox.store,
        directory.changed,
        Refreshes(directory.installations, inbox.owner),
        requests,
        tell=message if settings.notify_installer else tell_nobody,
    )
    return Rotation(refresher, time.time)
