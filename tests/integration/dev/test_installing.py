"""`dev` shows an app that users install, with the emulator's page in Slack's place."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.integration.dev.running import dev
from tests.support.app_process import free_ports


async def test_an_app_is_installed_in_the_emulator(tmp_path: Path) -> None:
    """With SLACK_CLIENT_ID and an address of localhost, `dev` says where to install, and the page leads to the end."""
    port, _ = free_ports()
    public_url = f"http://localhost:{port}"
    async with dev(
        tmp_path,
        PORT=str(port),
        LISTENERS="tests.integration.oauth.team",
        SLACK_CLIENT_ID="1.2",
        SLACK_CLIENT_SECRET="made-up",
        SLACK_SCOPES="chat:write",
        PUBLIC_URL=public_url,
        TOKEN_KEYS=base64.b64encode(b"k" * 32).decode(),
    ) as running:
        await running.serving()
        assert f"Install it in a workspace, once it serves: {public_url}/slack/install" in running.text
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as browser:
            page = (await browser.get("/slack/install?direct=1")).headers["location"]
            asked = dict(parse_qsl(urlsplit(page).query))
            assert asked["redirect_uri"] == f"{public_url}/slack/oauth_redirect"
            sent = await browser.post(page, data=asked | {"answer": "allow", "team": "T0HARB0R"})
            back = urlsplit(sent.headers["location"])
            last = await browser.get(f"{back.path}?{back.query}")
            assert "Harbor Works" in last.text, running.text
