"""`python -m tests.integration.oauth.pictures`: makes the pictures of docs/workspaces.md anew.

It needs Debian's packages chromium and chromium-driver; no test runs it, because fonts differ between machines.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import client

from tests.integration.oauth.chromium import Browser, chromium
from tests.integration.oauth.conftest import HARBOR, Pods
from tests.support.app_process import ROOT

PICTURES = ROOT / "docs" / "pictures"


async def main() -> None:
    """Installs the app in a workspace, and takes a picture of each page on the way."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with Emulator() as slack, client(keep_alive=False, connections=1) as http:
            pods = Pods(directory, slack, http, f"sqlite:///{directory / 'inbox.db'}")
            app = await pods.start()
            try:
                with chromium(directory) as browser:
                    await asyncio.to_thread(take, browser, pods.public_url)
            finally:
                app.kill()


def take(browser: Browser, public_url: str) -> None:
    """The way of a user who begins twice: cancelled first, then installed."""
    browser.open(f"{public_url}/slack/install")
    browser.picture(PICTURES / "install.png")
    browser.click("Add to Slack")
    browser.choose(HARBOR)
    browser.picture(PICTURES / "consent.png")
    browser.click("Cancel")
    browser.picture(PICTURES / "cancelled.png")
    browser.click("Begin again")
    browser.click("Add to Slack")
    browser.choose(HARBOR)
    browser.click("Allow")
    browser.picture(PICTURES / "installed.png")
    browser.reload()
    browser.picture(PICTURES / "begin-again.png")


if __name__ == "__main__":
    asyncio.run(main())
