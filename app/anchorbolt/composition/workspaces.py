"""Builds what an app needs that is installed in workspaces by OAuth (SLACK_CLIENT_ID)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.workspace_authorization import WorkspaceAuthorization
from anchorbolt.encryption import Keys
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.intake import Intake
from anchorbolt.settings.model import Settings
from anchorbolt.workspaces.installation_cache import InstallationCache
from anchorbolt.workspaces.leaving import Leaving
from anchorbolt.workspaces.oauth_client import OAuthClient
from anchorbolt.workspaces.refresh_statements import RefreshStatements
from anchorbolt.workspaces.refresher import Refresher, tell_nobody
from anchorbolt.workspaces.reinstall_message import ReinstallMessage
from anchorbolt.workspaces.token_requests import TokenRequests
from anchorbolt.workspaces.token_rotation import TokenRotation


class Workspaces:
    """Has each delivery authorized with the tokens of its workspace, and builds the pages that install the app.

    `rotation`: keeps the tokens valid.
    """

    def __init__(self, settings: Settings, inbox: Inbox, bolt: BoltApp, keys: Keys) -> None:
        """`settings` and `keys` say how Slack is asked for tokens; they are kept in the database of the `inbox`."""
        self._settings, self._inbox, self._bolt = settings, inbox, bolt
        cache = InstallationCache(inbox.store, keys, wake_others=inbox.announce_workspaces)
        inbox.on_workspaces = cache.recheck
        client = OAuthClient.of(settings, lambda: bolt.http_session)
        refresher = Refresher(
            inbox.store,
            cache.changed,
            RefreshStatements(cache.installations, inbox.owner),
            TokenRequests(client),
            tell=ReinstallMessage(client, settings.install_url) if settings.notify_installer else tell_nobody,
        )
        self._cache, self.rotation = cache, TokenRotation(refresher)
        leaving = Leaving(inbox.store, cache.changed, cache.installations)
        bolt.authorize_by_workspace(
            WorkspaceAuthorization(cache, self.rotation, leaving, install_url=settings.install_url)
        )

    def pages(self, intake: Intake) -> Sequence[BaseRoute]:
        """Returns the routes of the pages on which users install the app. They refuse while `intake` starts or closes.

        They are only of a process that HTTP reaches.
        """
        from anchorbolt.http.oauth.routes import routes  # noqa: PLC0415 - Jinja is 3 MiB, only where there are pages

        return routes(
            self._settings,
            self._inbox.store,
            self._cache,
            lambda: self._bolt.http_session,
            lambda: intake.starting or intake.closing,
        )
