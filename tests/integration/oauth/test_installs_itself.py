"""INSTALLATIONS=app: an app with Bolt's own OAuth is installed, sends, leaves and comes back, in a real process."""

from __future__ import annotations

from functools import partial
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from anchorbolt.emulator.scene import TEAM_ID

from tests.integration.oauth.conftest import CLIENT_SECRET, HARBOR, MakePods, Pods
from tests.support.ports import free_port
from tests.support.waiting import until_answer


async def says_where(pods: Pods, team: str, *, here: bool) -> bool:
    """Whether the command of a workspace is answered by its listener."""
    return ((await pods.send(team, command="/where")).body == f"here in {team}".encode()) is here


@pytest.mark.parametrize("kind", ["App", "AsyncApp"])
async def test_an_app_installs_itself(make_pods: MakePods, kind: str) -> None:
    """
    1. Its own pages install it in two workspaces. Result: each is answered with its own token.
    2. One uninstalls it. Result: the other one goes on, and nothing runs for the first.
    3. It is installed there again. Result: it is answered again.
    """
    pods = make_pods("sqlite:///inbox.db")
    pods.port = free_port()
    url = f"http://127.0.0.1:{pods.port}"
    own = {"LISTENERS": "tests.integration.oauth.team_of_its_own:app", "INSTALLATIONS": "app", "TEAM_APP": kind}
    ours = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SCOPES", "PUBLIC_URL", "TOKEN_KEYS")
    await pods.start(**dict.fromkeys(ours, ""), **own, TEAM_CLIENT_SECRET=CLIENT_SECRET, TEAM_URL=url)
    # 1.
    for team in (HARBOR, TEAM_ID):
        await install(pods, team)
        assert await pods.answered(team, f"first-{team}") == team
        assert await says_where(pods, team, here=True)
    # 2.
    assert (await pods.send(HARBOR, event="app_uninstalled")).ok
    await until_answer(partial(says_where, pods, HARBOR, here=False), what="nothing runs for it")
    assert await pods.answered(TEAM_ID, "second") == TEAM_ID
    # 3.
    await install(pods, HARBOR)
    assert await pods.answered(HARBOR, "third") == HARBOR
    assert CLIENT_SECRET not in pods.started[0].log_text()
    assert "xoxb-" not in pods.started[0].log_text()


async def install(pods: Pods, team: str) -> None:
    """By the pages of Bolt, whose cookie is for https: a browser that takes it over http as well."""
    async with pods.browser() as browser:
        page = await browser.get("/slack/install")
        address = unescape(page.text.partition('<a href="')[2].partition('"')[0])
        sent = await browser.post(address, data={**browser_fields(address), "answer": "allow", "team": team})
        cookie = page.headers["set-cookie"].partition(";")[0]
        last = await browser.get(str(sent.headers["location"]), headers={"cookie": cookie})
        assert last.status_code == 200, last.text


def browser_fields(address: str) -> dict[str, str]:
    """The hidden fields of Slack's page: what its address says."""
    return dict(parse_qsl(urlsplit(address).query))
