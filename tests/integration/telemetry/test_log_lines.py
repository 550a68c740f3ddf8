"""Every line of the process has one form, and says which run it belongs to."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.integration.telemetry.talking_listeners import TOKEN
from tests.support.waiting import until

LISTENERS = "tests.integration.telemetry.talking_listeners"
LINES_OF_A_RUN = ("by Bolt's logger", "by a library's logger", "from a task")


async def test_every_line_is_json_and_lines_of_a_run_have_its_key(start_app: StartApp, play_to: PlayTo) -> None:
    """From the start to the end of the process every line is JSON with the same fields, whoever wrote it; those that a
    run caused have its key and attempt; none tells of a request that went well."""
    app = start_app(LISTENERS=LISTENERS, LOG_LEVEL="INFO", MAX_ATTEMPTS=2, ATTEMPT_ON="ValueError")
    await app.until_ready()
    # 1. An event that runs twice, and a command with a lazy function.
    mention, command = make("app_mention", Scene()), make("command", Scene())
    assert (await play_to(app).send(mention)).status == 200
    assert (await play_to(app).send(command)).status == 200
    await app.until_logged("from a lazy function")
    await until(lambda: len(app.log(LINES_OF_A_RUN[0])) == 2, what="the event has run twice")
    # 2. Bytes that are no HTTP, which are counted and not logged one by one.
    with socket.create_connection(("127.0.0.1", app.port)) as connection:
        connection.sendall(b"\0\r\n\r\n")
        assert await asyncio.to_thread(connection.recv, 4096)
    # 3. The end.
    app.terminate()
    assert await app.until_ended() == 0
    # 4. One form.
    lines = [json.loads(line) for line in app.log_text().splitlines()]
    for line in lines:
        assert {"event", "level", "logger", "timestamp"} <= set(line)
    writers = {line["logger"].partition(".")[0] for line in lines}
    assert {"anchorbolt", "gunicorn", "listeners:on_mention", "some", "py"} <= writers
    # 5. Whose it is.
    for text in LINES_OF_A_RUN:
        found = [(line["key"], line["attempt"]) for line in lines if line["event"] == text]
        assert found == [(mention.key, 1), (mention.key, 2)]
    (lazy,) = (line for line in lines if line["event"] == "from a lazy function")
    assert lazy["key"] == command.key
    (library, _) = (line for line in lines if line["event"] == LINES_OF_A_RUN[1])
    assert library["answer"] == 42
    # 6. No access log.
    assert not [line for line in lines if "/slack/events" in str(line)]


async def test_a_listener_that_logs_or_raises_a_token_shows_none(start_app: StartApp, play_to: PlayTo) -> None:
    """A token in a line, in an exception or in a traceback is taken out before it is written."""
    app = start_app(LISTENERS=LISTENERS, MAX_ATTEMPTS=1, SLACK_BOT_TOKEN="xoxb-of-the-app")
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention", Scene()))).status == 200
    (ended,) = await app.until_logged("delivery ended")
    assert ended["outcome"] == "dead"
    assert ended["error"] == "ValueError: it was (redacted)"
    assert TOKEN not in app.log_text()
    assert "xoxb-" not in app.log_text()
    assert "the token is (redacted) or (redacted)" in app.log_text()


async def test_a_wrong_signing_secret_is_said(start_app: StartApp, play_to: PlayTo) -> None:
    """Where every request is refused for its signature, one line says so and what to do, and shows no secret."""
    app = start_app(SLACK_SIGNING_SECRET="not-the-one-of-slack", LOG_LEVEL="WARNING")
    await app.until_ready()
    for _ in range(5):
        assert (await play_to(app).send(make("app_mention", Scene()))).status == 401
    line = (await app.until_logged("requests refused"))[0]
    assert "bad_signature" in line["by_reason"]
    assert line["answered"] == 0
    assert "SLACK_SIGNING_SECRET" in line["advice"]
    assert "not-the-one" not in app.log_text()


async def test_a_delivery_is_told_from_its_arrival_to_its_end(
    start_app: StartApp, play_to: PlayTo, http: httpx.AsyncClient
) -> None:
    """At INFO one line tells that a delivery has come and one how it ended; both, and the answer, have the id that the
    proxy gave to the request."""
    app = start_app(LISTENERS=LISTENERS, LOG_LEVEL="INFO", MAX_ATTEMPTS=1)
    await app.until_ready()
    command = make("command", Scene())
    http.headers["X-Request-Id"] = "of-the-proxy"
    answer = await play_to(app).send(command)
    assert answer.headers["x-request-id"] == "of-the-proxy"
    (ended,) = await app.until_logged("delivery ended")
    (arrived,) = app.log("delivery arrived")
    assert arrived["request_id"] == ended["request_id"] == "of-the-proxy"
    for name in ("key", "kind", "team", "conversation", "lane"):
        assert arrived[name] == ended[name]
    assert (ended["outcome"], ended["attempt"], ended["level"]) == ("done", 1, "info")
