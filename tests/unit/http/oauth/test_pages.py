"""What each page says, and to whom it gives an installation."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from anchorbolt.emulator.script import Line
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.http.oauth.page import MOST_AT_ONCE
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.http.oauth.conftest import PUBLIC_URL, Site, state_of, with_query

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth")  # slack_sdk's own use of aiohttp

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"


def is_a_page(response: httpx.Response, status: int, title: str) -> None:
    """Whether it is one of our pages, with the headers and the way on that each of them has."""
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        response.headers["content-security-policy"],
    )
    assert 'name="viewport"' in response.text
    assert '<a class="button" href=' in response.text  # what to do next
    for no in ("<script", "<img", "src=", "Traceback", "{{", "xox"):
        assert no not in response.text


async def test_the_page_with_the_button_begins_nothing(site: Site) -> None:
    """A robot, or the preview of a link, stores no state; the button is a link to our own address."""
    page = await site.browser().get(INSTALL)
    is_a_page(page, 200, "Add this app to Slack")
    assert f'href="{PUBLIC_URL}{INSTALL}?direct=1"' in page.text
    assert "set-cookie" not in page.headers


async def test_the_button_leads_to_slack_with_what_the_app_asks_for(site: Site) -> None:
    """And nowhere else, whatever the address says; the cookie is one that no other host can plant or read."""
    browser = site.browser(slack_user_scopes="search:read")
    sent = await browser.get(f"{INSTALL}?direct=1&redirect_uri=https://evil.example.com&url=//evil.example.com")
    assert sent.status_code == 302
    url = httpx.URL(sent.headers["location"])
    assert str(url).startswith(f"{site.slack.url}oauth/v2/authorize?")
    assert dict(url.params) | {"state": ""} == {
        "client_id": "1.2",
        "scope": "commands,chat:write",
        "user_scope": "search:read",
        "redirect_uri": f"{PUBLIC_URL}{REDIRECT}",
        "state": "",
    }
    cookie = sent.headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-anchorbolt-install-[0-9a-f]{16}=[\w-]{43}; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure", cookie
    )
    assert url.params["state"] not in cookie
    assert sent.headers["referrer-policy"] == "no-referrer"


async def test_an_installation(site: Site) -> None:
    """The user is told where the app is and what it may do, and its cookie is taken back."""
    browser = site.browser()
    back = await site.answer(await site.to_slack(browser))
    with capture_logs() as lines:
        page = await browser.get(back)
    is_a_page(page, 200, "The app is installed")
    assert "<strong>Harbor Works</strong>" in page.text
    assert 'href="https://app.slack.com/client/T0HARB0R"' in page.text
    assert "<code>commands</code>, <code>chat:write</code>" in page.text
    assert "Not granted" not in page.text
    assert "Max-Age=0" in page.headers["set-cookie"]
    assert list(await site.saved()) == ["T0HARB0R"]
    (line,) = lines
    assert (line["event"], line["workspace"], line["scopes"]) == ("installed", "T0HARB0R", "commands,chat:write")


async def test_several_tabs_work(site: Site) -> None:
    """Two installations that one browser has begun both end, in any order."""
    browser = site.browser()
    first, second = [await site.to_slack(browser) for _ in range(2)]
    for page, team in ((second, "T0D0CK"), (first, "T0HARB0R")):
        is_a_page(await browser.get(await site.answer(page, team=team)), 200, "The app is installed")
    assert set(await site.saved()) == {"T0D0CK", "T0HARB0R"}


async def test_a_browser_keeps_a_few_cookies_only(site: Site) -> None:
    """However often somebody clicks, the head of the next request stays small, and the newest click works."""
    browser = site.browser()
    for _ in range(20):
        page = await site.to_slack(browser)
    assert len(browser.cookies) == 8
    is_a_page(await browser.get(await site.answer(page)), 200, "The app is installed")


async def refused(site: Site, browser: httpx.AsyncClient, address: str) -> None:
    """Whether an address gets the page of refusal, with nothing stored and one line in the log without a secret."""
    before = await site.saved()
    with capture_logs() as lines:
        page = await browser.get(address)
    is_a_page(page, 400, "Please begin again")
    assert await site.saved() == before
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("an installation was refused", "warning")
    for secret in httpx.URL(address).params.values():
        assert secret not in str(line)


async def test_a_state_of_another_browser_is_refused(site: Site) -> None:
    """A link that somebody sends does not install anything, and the one who began can still end it."""
    mine, yours = site.browser(), site.browser()
    back = await site.answer(await site.to_slack(mine))
    await site.to_slack(yours)
    await refused(site, yours, back)
    is_a_page(await mine.get(back), 200, "The app is installed")


async def test_a_state_that_was_used_is_refused(site: Site) -> None:
    """The same address a second time changes nothing, also while the browser still has the cookie."""
    browser = site.browser()
    back = await site.answer(await site.to_slack(browser))
    cookies = dict(browser.cookies)
    await browser.get(back)
    await refused(site, browser, back)
    browser.cookies.update(cookies)
    await refused(site, browser, back)


@pytest.mark.parametrize("state", ["x", "a" * 43, "'; DROP TABLE oauth_state", "\u2603", "%00"])
async def test_an_unknown_state_is_refused(site: Site, state: str) -> None:
    """Whatever it is made of."""
    browser = site.browser()
    await refused(site, browser, with_query(await site.answer(await site.to_slack(browser)), state=state))


async def test_no_code_is_refused(site: Site) -> None:
    """An address that lacks what Slack puts into it."""
    await refused(site, site.browser(), f"{REDIRECT}?state=x")
    await refused(site, site.browser(), REDIRECT)


async def test_cancelling_says_so(site: Site) -> None:
    """The user's own decision is no error, and can be changed."""
    browser = site.browser()
    page = await browser.get(await site.answer(await site.to_slack(browser), "cancel"))
    is_a_page(page, 200, "The app was not installed")
    assert await site.saved() == {}
    assert "Max-Age=0" in page.headers["set-cookie"]


async def test_what_began_in_slack_is_refused_unless_the_setting_takes_it(site: Site) -> None:
    """Without a state nobody knows who began; an operator may accept that."""
    strict, open_ = site.browser(), site.browser(install_without_state=True)
    for browser, status, title in ((strict, 400, "Please begin here"), (open_, 200, "The app is installed")):
        back = with_query(await site.answer(await site.to_slack(browser)), state=None)
        is_a_page(await browser.get(back), status, title)
        assert bool(await site.saved()) is (browser is open_)


async def test_the_setting_takes_no_wrong_state(site: Site) -> None:
    """Only a missing state is accepted by it."""
    browser = site.browser(install_without_state=True)
    await refused(site, browser, with_query(await site.answer(await site.to_slack(browser)), state="x"))


@pytest.mark.parametrize(
    ("query", "shown"),
    [("error=invalid_scope", "invalid_scope"), ("error=<b>&state=x", "unreadable"), ("error=a+b", "unreadable")],
)
async def test_an_error_of_slack_s_is_shown_as_a_word(site: Site, query: str, shown: str) -> None:
    """And no text that somebody puts into an address."""
    page = await site.browser().get(f"{REDIRECT}?{query}")
    is_a_page(page, 502, "The app could not be installed")
    assert f"<code>{shown}</code>" in page.text


async def test_a_failed_exchange_says_what_slack_said(site: Site) -> None:
    """The user tries again; the log has what to mend, and neither the code nor the secret."""
    browser = site.browser()
    site.slack.script.add(Line(method="oauth.v2.access", error="bad_client_secret"))
    back = await site.answer(await site.to_slack(browser))
    with capture_logs() as lines:
        page = await browser.get(back)
    is_a_page(page, 502, "The app could not be installed")
    assert "<code>bad_client_secret</code>" in page.text
    assert await site.saved() == {}
    (line,) = lines
    assert (line["event"], line["word"]) == ("an installation failed", "bad_client_secret")
    for secret in ("planted-client-secret", *httpx.URL(back).params.values()):
        assert secret not in str(line)
        assert secret not in page.text


async def test_an_organization_is_told_where_to_add_workspaces(site: Site) -> None:
    """An org-wide installation is in no workspace yet; the page leads to where that is done."""
    browser = site.browser()
    page = await browser.get(await site.answer(await site.to_slack(browser), team="E0FLEET"))
    is_a_page(page, 200, "The app is installed")
    assert 'href="https://fleet.slack.com/manage/organization/apps/profile/A0ANCH0R/workspaces/add"' in page.text


async def test_scopes_that_were_not_granted_are_shown(site: Site) -> None:
    """Optional scopes may be left out on Slack's page: what was granted counts."""
    browser = site.browser()
    page = await site.to_slack(browser)
    back = await site.answer(with_scope(page, "commands"))
    page_ = await browser.get(back)
    is_a_page(page_, 200, "The app is installed")
    assert "Not granted: <code>chat:write</code>" in page_.text
    assert (await site.saved())["T0HARB0R"].scopes == ("commands",)


def with_scope(page: str, scope: str) -> str:
    """Slack's page, where the user has taken a scope away."""
    url = httpx.URL(page)
    return str(url.copy_set_param("scope", scope))


async def test_a_name_is_shown_as_text(site: Site) -> None:
    """What Slack says of a workspace runs nothing in the browser."""
    answer = {"access_token": "xoxb-T1-1", "scope": "<i>", "team": {"id": "T01", "name": "<script>alert(1)</script>"}}
    site.slack.script.add(Line(method="oauth.v2.access", answer=answer))
    browser = site.browser()
    page = await browser.get(await site.answer(await site.to_slack(browser)))
    is_a_page(page, 200, "The app is installed")
    assert "&lt;script&gt;" in page.text


async def test_a_database_that_is_away_keeps_the_state(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user reloads the page once it is back, and the app is installed."""
    browser = site.browser()
    back = await site.answer(await site.to_slack(browser))
    cookies = dict(browser.cookies)

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(site.inbox.store, "transact", away)
        for address in (back, f"{INSTALL}?direct=1"):
            page = await browser.get(address)
            is_a_page(page, 503, "Please try again in a moment")
            assert page.headers["retry-after"] == "5"
            assert "set-cookie" not in page.headers
    assert dict(browser.cookies) == cookies
    is_a_page(await browser.get(back), 200, "The app is installed")


async def test_a_pod_that_starts_or_ends_lets_another_one_answer(site: Site) -> None:
    """425 is what proxies ask another pod on; where there is none, the page says what to do."""
    site.away = True
    is_a_page(await site.browser().get(f"{INSTALL}?direct=1"), 425, "Please try again in a moment")


@pytest.mark.parametrize("path", [INSTALL, REDIRECT])
async def test_what_is_no_request_of_a_browser_s_is_refused(site: Site, path: str) -> None:
    """Other methods, bodies and long addresses get a page too, and do nothing."""
    browser = site.browser()
    for method in ("POST", "PUT", "HEAD", "DELETE", "OPTIONS"):
        page = await browser.request(method, f"{path}?direct=1")
        assert (page.status_code, page.headers["allow"]) == (405, "GET")
    is_a_page(await browser.request("GET", path, content=b"x"), 413, "This page cannot be opened so")
    is_a_page(await browser.get(f"{path}?direct=1&x={'x' * 3000}"), 414, "This page cannot be opened so")
    assert len(browser.cookies) == 0


async def test_a_flood_of_beginnings_is_told_to_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can ask for a row of the database: so many a second, and no more."""
    monkeypatch.setattr("anchorbolt.http.oauth.begin.MOST_A_SECOND", 0)
    is_a_page(await site.browser().get(f"{INSTALL}?direct=1"), 503, "Please try again in a moment")
    is_a_page(await site.browser().get(INSTALL), 200, "Add this app to Slack")


async def test_more_at_once_than_there_are_turns_are_told_to_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While so many are worked on, the next one is asked to reload, and its state is not used up."""
    browser = site.browser()
    back = await site.answer(await site.to_slack(browser))
    goes_on = asyncio.Event()
    arrived: list[int] = []
    usual = site.inbox.store.transact

    async def waits(*given: Any, **named: Any) -> Any:
        arrived.append(1)
        await goes_on.wait()
        return await usual(*given, **named)

    monkeypatch.setattr(site.inbox.store, "transact", waits)
    waiting = [asyncio.create_task(browser.get(back)) for _ in range(MOST_AT_ONCE)]
    await until(lambda: len(arrived) == MOST_AT_ONCE, what="as many are worked on as there are turns")
    is_a_page(await browser.get(back), 503, "Please try again in a moment")
    goes_on.set()
    titles = [response.status_code for response in await asyncio.gather(*waiting)]
    assert sorted(titles) == [200] + [400] * (MOST_AT_ONCE - 1)


async def test_over_http_the_cookie_is_one_that_every_browser_takes(site: Site) -> None:
    """In development, PUBLIC_URL may be an address of localhost without TLS."""
    browser = site.browser(public_url="http://localhost:3000")
    sent = await browser.get(f"{INSTALL}?direct=1")
    cookie = sent.headers["set-cookie"]
    assert cookie.startswith("anchorbolt-install-")
    assert "Secure" not in cookie
    page = await browser.get(await site.answer(sent.headers["location"]))
    is_a_page(page, 200, "The app is installed")


async def test_a_state_is_no_part_of_what_is_stored(site: Site) -> None:
    """The cookie's name and the database have hashes alone."""
    browser = site.browser()
    state = state_of(await site.to_slack(browser))
    assert all(state not in name and state not in value for name, value in browser.cookies.items())
