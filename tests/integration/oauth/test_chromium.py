"""The same flow as a person sees it: in Chromium, over TLS, with Slack's page on another site."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.oauth import chromium, tls
from tests.integration.oauth.chromium import Browser
from tests.integration.oauth.conftest import DOCK, FLEET, HARBOR, Pods
from tests.support.ports import free_port
from tests.support.waiting import until

PURPLE = "rgba(97, 31, 105, 1)"


@dataclass
class Person:
    """Somebody with a browser, and what serves it. What blocks runs in a thread: the emulator needs the event loop."""

    browser: Browser
    pods: Pods

    async def begin(self, *, in_a_new_tab: bool = False) -> str:
        """Opens our page, and clicks on the button. Returns the tab."""
        opened = self.browser.open_tab if in_a_new_tab else self.browser.open
        tab = await asyncio.to_thread(opened, f"{self.pods.public_url}/slack/install")
        assert self.browser.title == "Add this app to Slack"
        assert self.browser.colour_of("Add to Slack") == PURPLE
        await asyncio.to_thread(self.browser.click, "Add to Slack")
        assert self.browser.address.startswith(f"{self.pods.slack.url}oauth/v2/authorize?")
        return tab or self.browser.tab

    async def allow(self, team: str) -> None:
        """Chooses a workspace on Slack's page, and allows it."""
        await asyncio.to_thread(self.browser.choose, team)
        await asyncio.to_thread(self.browser.click, "Allow")

    async def install(self, team: str) -> None:
        """From our page to the end."""
        await self.begin()
        await self.allow(team)
        assert self.browser.title == "The app is installed"


@pytest.fixture
async def person(pods: Pods, tmp_path: Path) -> AsyncIterator[Person]:
    """One pod on SQLite, two on PostgreSQL, in turn behind https://localhost."""
    chromium.require()
    tls.require()
    port = free_port()
    pods.public_url = f"https://localhost:{port}"
    await pods.start()
    if not pods.database_url.startswith("sqlite"):
        await pods.start()
    with ExitStack() as stack:
        stack.enter_context(tls.terminating_tls(tmp_path, port, [app.port for app in pods.started]))
        await tls.until_listening(port)
        browser = await asyncio.to_thread(stack.enter_context, chromium.chromium(tmp_path))
        yield Person(browser, pods)


async def test_install_event_uninstall_reinstall(person: Person) -> None:
    """Installed, answered with its own token, uninstalled, told where to install, installed again and answered."""
    pods = person.pods
    await person.install(HARBOR)
    assert "Harbor Works" in person.browser.text
    assert person.browser.link("Open Slack") == f"https://app.slack.com/client/{HARBOR}"
    assert await pods.answered(HARBOR, "first") == HARBOR

    assert (await pods.send(HARBOR, event="app_uninstalled")).ok
    for app in pods.started:
        await until(lambda app=app: HARBOR not in app.command_line("workspaces", "list"), what="it is removed")  # type: ignore[misc] # a default
    told = (await pods.send(HARBOR, command="/where")).body.decode()
    assert f"{pods.public_url}/slack/install" in told

    await asyncio.sleep(1.1)  # an event has whole seconds: what is as old as the uninstallation goes with it
    await person.install(HARBOR)
    assert await pods.answered(HARBOR, "second") == HARBOR
    assert person.browser.complaints() == []


async def test_two_tabs(person: Person) -> None:
    """Two installations that are open at once both end, and each tab has a cookie of its own until then."""
    first = await person.begin()
    second = await person.begin(in_a_new_tab=True)
    # The tab is on Slack's site: no cookie of ours is shown there, so look at ours.
    await asyncio.to_thread(person.browser.open_tab, f"{person.pods.public_url}/slack/install")
    cookies = person.browser.cookies()
    assert len(cookies) == 2
    for cookie in cookies:
        assert re.fullmatch(r"__Host-anchorbolt-install-[0-9a-f]{16}", str(cookie["name"]))
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    for tab, team in ((second, DOCK), (first, HARBOR)):
        person.browser.to_tab(tab)
        await person.allow(team)
        assert person.browser.title == "The app is installed"
    assert person.browser.cookies() == []
    for team in (HARBOR, DOCK):
        assert await person.pods.answered(team, f"to-{team}") == team


async def test_cancelled_and_begun_again(person: Person) -> None:
    """Cancel leads to a page that says so and leads back; nothing is installed."""
    await person.begin()
    await asyncio.to_thread(person.browser.click, "Cancel")
    assert person.browser.title == "The app was not installed"
    assert person.pods.slack.calls.by_method["oauth.v2.access"] == 0
    await asyncio.to_thread(person.browser.click, "Begin again")
    assert person.browser.title == "Add this app to Slack"


async def test_a_page_that_is_loaded_again_says_what_to_do(person: Person) -> None:
    """Reloading the last page changes nothing, and tells a person that the app may well be installed."""
    await person.install(HARBOR)
    await asyncio.to_thread(person.browser.reload)
    assert person.browser.title == "Please begin again"
    assert "If the app has just told you that it is installed, it is" in person.browser.text
    assert person.pods.slack.calls.by_method["oauth.v2.access"] == 1


async def test_pages_fit_a_phone(person: Person) -> None:
    """At the width of a phone nobody scrolls to the side, and the console has no complaint about the policy."""
    await person.begin()
    await person.allow(FLEET)
    assert person.browser.title == "The app is installed"
    assert (person.browser.link("Add to workspaces") or "").endswith("/A0ANCH0R/workspaces/add")
    assert not person.browser.overflows()
    for path in ("install", "oauth_redirect", "oauth_redirect?error=access_denied", "oauth_redirect?code=1&state=2"):
        await asyncio.to_thread(person.browser.open, f"{person.pods.public_url}/slack/{path}")
        assert not person.browser.overflows(), path
    assert [line for line in person.browser.complaints() if "Content Security Policy" in line] == []
