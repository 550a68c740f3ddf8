"""Nothing of an installation's secrets is seen outside, whatever goes wrong in it: planted ones are looked for."""

from __future__ import annotations

import asyncio

import httpx
from anchorbolt.emulator.script import Line

from tests.integration.oauth.conftest import CLIENT_SECRET, HARBOR, TOKEN_KEY, Pods
from tests.support.collector import Collector
from tests.support.metrics_page import MetricsPage
from tests.support.waiting import until

# What Slack's answers hold in these tests, and nobody else may.
BOT, REFRESH, USER, USER_REFRESH = (
    f"{kind}-PLANTED-{n}-0123456789abcdef" for n, kind in enumerate(("xoxe.xoxb", "xoxe", "xoxe.xoxp", "xoxe"), 1)
)
GRANTED = {
    "access_token": BOT,
    "refresh_token": REFRESH,
    "expires_in": 60,
    "token_type": "bot",
    "scope": "commands,chat:write,app_mentions:read",
    "bot_user_id": "U0BOT",
    "team": {"id": HARBOR, "name": "Harbor Works"},
    "authed_user": {
        "id": "U0ADA",
        "access_token": USER,
        "refresh_token": USER_REFRESH,
        "expires_in": 60,
        "token_type": "user",
        "scope": "search:read",
    },
}


async def test_what_goes_wrong_shows_no_secret(pods: Pods) -> None:
    """
    1. Installations that Slack refuses, breaks off or answers with what cannot be read, and one that succeeds.
    2. Slack refuses to refresh the tokens, so that the app must be installed again, and a delivery fails.
    3. Result: no log, trace, metric, page, list or shown delivery has a code, a state, a cookie, a token, a refresh
       token, the client's secret or a key.
    """
    with Collector() as collector:
        app = await pods.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, NOTIFY_INSTALLER="true")
        script, secrets, pages = pods.slack.script, [BOT, REFRESH, USER, USER_REFRESH, CLIENT_SECRET, TOKEN_KEY], []
        # 1.
        answers: list[Line | None] = [
            Line(method="oauth.v2.access", error="bad_client_secret", answer={"quoted": BOT}),
            Line(method="oauth.v2.access", no_answer="close"),
            Line(method="oauth.v2.access", answer={"access_token": BOT, "team": {"id": "../etc"}}),
            Line(method="oauth.v2.access", answer={**GRANTED, "access_token": f"{BOT}\r\nx: y"}),
            Line(method="oauth.v2.access", answer={**GRANTED, "refresh_token": {"a": REFRESH}, "expires_in": [USER]}),
            Line(method="oauth.v2.access", answer=GRANTED),
        ]
        for line in answers:
            script.clear()
            if line is not None:
                script.add(line)
            script.add(
                Line(method="auth.test", answer={"bot_id": "B1", "url": "https://harbor.slack.com/"}, times=None)
            )
            async with pods.browser() as browser:
                back = await pods.consent(browser, HARBOR)
                secrets += [*httpx.URL(back).params.values(), *(value for _, value in browser.cookies.items())]
                pages.append(await browser.get(back))
                pages.append(await browser.get(httpx.URL(back).copy_merge_params({"error": CLIENT_SECRET})))
        assert pages[-2].status_code == 200, pages[-2].text
        # 2.
        script.clear()
        refused = Line(method="oauth.v2.access", error="invalid_refresh_token", answer={"quoted": REFRESH}, times=None)
        script.add(refused)
        script.add(Line(method="chat.postMessage", error=f"no_{BOT}", times=None))
        ack = await pods.send(HARBOR, event="app_mention", text="hello")
        assert ack.ok
        await until(lambda: app.log("delivery ended"), what="the delivery has ended")
        listed = await asyncio.to_thread(app.command_line, "inbox", "list", "--json")
        shown = await asyncio.to_thread(app.command_line, "inbox", "show", str(ack.sample.key))
        places = {
            "metrics": (await MetricsPage.of(app)).text,
            "list": await asyncio.to_thread(app.command_line, "workspaces", "show", HARBOR),
            "inbox": listed + shown,
            "pages": "".join(page.text + str(page.headers) for page in pages),
        }
        app.terminate()
        assert await app.until_ended() == 0
        places |= {"log": app.log_text(), "traces": b"".join(collector.raw).decode("latin-1")}
    # 3.
    assert all(place for place in places.values())
    assert "reinstall needed" in places["log"]
    assert "SlackApiError" in places["inbox"]
    for place, seen in places.items():
        for secret in secrets:
            assert secret not in seen, f"{secret} is in the {place}"
            assert "PLANTED" not in seen, f"a part of a token is in the {place}"
