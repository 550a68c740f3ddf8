"""A team's app that installs itself, as Bolt's own examples do: with files in the folder that it runs in."""

from __future__ import annotations

import os
from typing import Any

from slack_bolt import Ack, App, Say
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.oauth import team

SLACK = os.environ["SLACK_API_URL"]
STORES: dict[str, Any] = {
    "client_id": "1.2",
    "client_secret": os.environ["TEAM_CLIENT_SECRET"],
    "scopes": ["chat:write"],
    "installation_store": FileInstallationStore(base_dir="installations", client_id="1.2"),
    "state_store": FileOAuthStateStore(expiration_seconds=600, base_dir="states", client_id="1.2"),
    "authorization_url": SLACK.replace("/api/", "/oauth/v2/authorize"),
    "redirect_uri": os.environ["TEAM_URL"] + "/slack/oauth_redirect",
}


def async_app() -> AsyncApp:
    """It awaits."""
    app = AsyncApp(
        signing_secret="", client=AsyncWebClient(base_url=SLACK), oauth_settings=AsyncOAuthSettings(**STORES)
    )
    app.enable_token_revocation_listeners()

    team.register(app)
    return app


def sync_app() -> App:
    """It runs in threads."""
    app = App(signing_secret="", client=WebClient(base_url=SLACK), oauth_settings=OAuthSettings(**STORES))
    app.enable_token_revocation_listeners()

    @app.event("app_mention")
    def answer(event: dict[str, Any], say: Say) -> None:
        say(f"answer to {event['text']}")

    @app.command("/where")
    def where(ack: Ack, context: dict[str, Any]) -> None:
        ack(f"here in {context['team_id']}")

    return app


app = {"App": sync_app, "AsyncApp": async_app}[os.environ["TEAM_APP"]]()
