"""A workspace is installed, sends, leaves and comes back: with a real process, and signed requests."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import httpx
import pytest

from tests.integration.oauth.conftest import CLIENT_SECRET, DOCK, FLEET, HARBOR, TOKEN_KEY, Pods
from tests.support.app_process import AppProcess
from tests.support.metrics_page import MetricsPage
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until, until_answer

CLIENTS = 20


def title(page: httpx.Response) -> str:
    """The heading of a page."""
    return page.text.partition("<h1>")[2].partition("</h1>")[0]


def installed(pods: Pods) -> dict[str, str]:
    """What `anchorbolt workspaces list` says: the state of each."""
    listed = json.loads(pods.started[0].command_line("workspaces", "list", "--json"))
    return {one["workspace"]: one["state"] for one in listed["workspaces"]}


async def test_install_event_uninstall_reinstall(pods: Pods) -> None:
    """
    1. A workspace without the app is told where to install it.
    2. It is installed there and in another one. Result: each is answered with its own token.
    3. It is uninstalled. Result: nothing runs for it, and the other one goes on.
    4. It is installed again. Result: it is answered again.
    """
    await pods.start()
    # 1.
    refused = await pods.send(HARBOR, command="/where")
    assert f"{pods.public_url}/slack/install" in refused.body.decode()
    # 2.
    for team in (HARBOR, DOCK):
        page = await pods.install(team)
        assert (page.status_code, title(page)) == (200, "The app is installed")
        assert await pods.answered(team, f"first-{team}") == team
        assert (await pods.send(team, command="/where")).body == f"here in {team}".encode()
    # 3.
    assert (await pods.send(HARBOR, event="app_uninstalled")).ok
    await until(lambda: HARBOR not in installed(pods), what="it is removed")
    assert f"{pods.public_url}/slack/install" in (await pods.send(HARBOR, command="/where")).body.decode()
    assert await pods.answered(DOCK, "second") == DOCK
    # 4. The event of the uninstallation has whole seconds, as Slack's: what is as old goes with it.
    await asyncio.sleep(1.1)
    assert title(await pods.install(HARBOR)) == "The app is installed"
    assert await pods.answered(HARBOR, "third") == HARBOR
    assert installed(pods) == {HARBOR: "installed", DOCK: "installed"}


async def test_of_20_clients_with_one_state_one_installs(pods: Pods) -> None:
    """However many bring the same state and the same cookie at once, one is installed and 19 are refused."""
    await pods.start()
    async with pods.browser() as browser:
        back = await pods.consent(browser, HARBOR)
        pages = await asyncio.gather(*(_patiently(browser, back) for _ in range(CLIENTS)))
    titles = [(page.status_code, title(page)) for page in pages]
    assert titles.count((200, "The app is installed")) == 1
    assert titles.count((400, "Please begin again")) == CLIENTS - 1
    assert installed(pods) == {HARBOR: "installed"}
    assert pods.slack.calls.by_method["oauth.v2.access"] == 1
    assert len(pods.started[0].log("an installation was refused")) == CLIENTS - 1


async def _patiently(browser: httpx.AsyncClient, address: str) -> httpx.Response:
    """Reloads the page while the app says that it is busy."""

    async def served() -> httpx.Response | None:
        page = await browser.get(address)
        return page if page.status_code != 503 else None

    return await until_answer(served)


async def test_any_pod_ends_what_another_one_began(pods_on_postgresql: Pods) -> None:
    """With several pods on one PostgreSQL, the state is known to all, and so is the installation at once."""
    pods = pods_on_postgresql
    first, second = await pods.start(), await pods.start()
    async with pods.browser() as browser:
        # It is known that there is no installation: the other pod must hear of it.
        assert "/slack/install" in (await pods.send(HARBOR, first, command="/where")).body.decode()
        back = httpx.URL(await pods.consent(browser, HARBOR))
        page = await browser.get(back.copy_with(port=second.port))
        assert title(page) == "The app is installed"
    for app in (first, second):
        await until_answer(partial(_is_here, pods, app), what="the pod knows of the installation")


async def _is_here(pods: Pods, app: AppProcess) -> bool:
    return (await pods.send(HARBOR, app, command="/where")).body == f"here in {HARBOR}".encode()


async def test_an_organization_is_found_by_its_workspaces(pods: Pods) -> None:
    """An event of a member of the organization runs with the org's token; with one of its own, that one wins."""
    await pods.start()
    page = await pods.install(FLEET)
    assert "/manage/organization/apps/profile/A0ANCH0R/workspaces/add" in page.text
    authorization = {"enterprise_id": FLEET, "team_id": DOCK, "is_bot": True, "is_enterprise_install": True}
    in_fleet = {"enterprise_id": FLEET, "context_enterprise_id": FLEET, "authorizations": [authorization]}
    assert await pods.answered(DOCK, "first", in_fleet) == FLEET
    await pods.install(DOCK)
    assert await pods.answered(DOCK, "second", in_fleet) == DOCK
    assert set(installed(pods)) == {FLEET, DOCK}


async def test_no_secret_is_seen_outside(pods: Pods, request: pytest.FixtureRequest) -> None:
    """Neither tokens nor codes, states, cookies, the client's secret or the keys are in a log, a metric, a list, a page
    or a dump of the database."""
    app = await pods.start(LOG_LEVEL="DEBUG")
    pods.slack.workspace.grants.expires_in = 43_200
    async with pods.browser() as browser:
        back = await pods.consent(browser, HARBOR, user_scope="search:read")
        cookies = [value for _, value in browser.cookies.items()]
        pages = [await browser.get(back), await browser.get(back)]
        unfinished = await pods.consent(browser, DOCK)
        cookies += [value for _, value in browser.cookies.items()]
    assert [title(page) for page in pages] == ["The app is installed", "Please begin again"]
    assert await pods.answered(HARBOR, "hello") == HARBOR
    parameters = {value for address in (back, unfinished) for value in httpx.URL(address).params.values()}
    places = {
        "log": app.log_text(),
        "metrics": (await MetricsPage.of(app)).text,
        "list": app.command_line("workspaces", "list") + app.command_line("workspaces", "show", HARBOR),
        "pages": "".join(page.text for page in pages),
        "dump": _dump(pods, request),
    }
    assert HARBOR in places["dump"]
    for place, seen in places.items():
        for secret in (*parameters, *cookies, CLIENT_SECRET, TOKEN_KEY, f"-{HARBOR}-"):
            assert secret not in seen, f"{secret} is in the {place}"
        assert "xoxe" not in seen


def _dump(pods: Pods, request: pytest.FixtureRequest) -> str:
    """All that the database's files hold."""
    if pods.database_url.startswith("sqlite"):
        return "".join(
            file.read_bytes().decode("latin-1") for file in sorted(pods.directory.glob("inbox.db*")) if file.is_file()
        )
    server: PostgreSQL = request.getfixturevalue("shared_postgres")
    return server.dump(pods.database_url.rpartition("/")[2])
