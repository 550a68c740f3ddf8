"""Apps of every form under test: synchronous, asynchronous, and several at once."""

from __future__ import annotations

from pathlib import Path

from tests.integration.kit.team import run_tests

SYNCHRONOUS = """
import os
import time

from slack_bolt import App
from slack_sdk import WebClient

app = App(token=os.environ["SLACK_BOT_TOKEN"])
client = WebClient(token="xoxb-own")


@app.command("/deploy")
def deploy(ack, command, say):
    ack(f"Deploying {command['text']}")
    time.sleep(0.05)
    say(f"Deployed {command['text']}")


@app.event("app_mention")
def mention(event, say):
    say("hello " + event["user"], thread_ts=event["ts"])


def begin(ack):
    ack()


def work(respond, client):
    client.users_info(user="U1")
    respond("done")


app.action("approve")(ack=begin, lazy=[work])


@app.shortcut("outside")
def outside(ack):
    ack()
    client.chat_postMessage(channel="C1", text="by a client of our own")


@app.options("city")
def city(ack, payload):
    ack(options=[{"text": {"type": "plain_text", "text": payload["value"]}, "value": "x"}])


@app.function("step")
def step(inputs, complete):
    complete(outputs={"out": inputs["a"]})


@app.view_closed("form")
def closed(ack, logger):
    ack()


@app.event("reaction_added")
def reaction(event, context):
    raise LookupError(f"no {event['reaction']}")


@app.error
def failed(error, respond):
    if "handled" in str(error):
        from slack_bolt import BoltResponse

        return BoltResponse(status=200)


@app.message("handled")
def handled():
    raise ValueError("handled")
"""

SYNCHRONOUS_TESTS = """
import pytest
from app import app


def test_the_calls_of_a_listener(anchorbolt):
    answer = anchorbolt.send(command="/deploy", text="prod")
    assert (answer.status, answer.text, answer.listener) == (200, "Deploying prod", "app.deploy")
    assert answer.call("chat.postMessage")["text"] == "Deployed prod"
    assert answer.methods == ["chat.postMessage"]


def test_an_event(anchorbolt):
    answer = anchorbolt.send(event="app_mention", user="U7", ts="1.2")
    assert answer.status == 200
    assert answer.call("chat.postMessage")["thread_ts"] == "1.2"
    assert answer.call("chat.postMessage")["text"] == "hello U7"


def test_lazy_functions_are_waited_for(anchorbolt):
    assert anchorbolt.send(action="approve", value="1").methods == ["users.info", "response_url"]


def test_a_client_of_the_teams_own(anchorbolt):
    assert anchorbolt.send(shortcut="outside").call("chat.postMessage")["channel"] == "C1"
    assert app.client.auth_test()["ok"]
    assert "auth.test" in [call.method for call in anchorbolt.slack.calls]


def test_options_and_steps(anchorbolt):
    assert anchorbolt.send(options="city", value="be").json["options"][0]["text"]["text"] == "be"
    call = anchorbolt.send(function="step", inputs={"a": "1"}).call("functions.completeSuccess")
    assert call["outputs"] == {"out": "1"}


def test_nobody_listens(anchorbolt, caplog):
    answer = anchorbolt.send({"command": "/none"})
    assert "no listener for command /none; registered: /deploy" in caplog.text
    assert (answer.status, answer.listener, answer.calls) == (404, None, ())
    assert anchorbolt.send(event="team_join").listener is None


def test_what_is_raised(anchorbolt, caplog):
    with pytest.raises(LookupError, match="no eyes") as raised:
        anchorbolt.send(event="reaction_added", reaction="eyes")
    assert raised.traceback[-1].name == "reaction"
    assert "listener raised listener=app.reaction" in caplog.text
    assert len(raised.traceback) == 3  # the test, send, and the listener
    assert str(anchorbolt.send(event="reaction_added", raise_errors=False).error) == "no thumbsup"


def test_what_an_error_handler_handles_is_not_raised(anchorbolt):
    assert anchorbolt.send(event="message", text="handled").error is None


def test_slack_is_slow_and_busy(anchorbolt):
    anchorbolt.slack.script("chat.postMessage", delay_seconds=0.05)
    anchorbolt.slack.script("chat.postMessage", error="ratelimited", retry_after_seconds=0)
    assert len(anchorbolt.send(event="app_mention").calls) == 1
    assert [call.status for call in anchorbolt.send(event="app_mention").calls] == [429, 200]
    anchorbolt.slack.script("chat.postMessage", status=500)
    assert [call.status for call in anchorbolt.send(event="app_mention").calls] == [500, 200]


def test_a_test_begins_with_a_slack_that_has_seen_nothing(anchorbolt):
    assert anchorbolt.slack.calls == ()


async def test_in_an_async_test(anchorbolt):
    assert anchorbolt.send(command="/deploy", text="prod").text == "Deploying prod"
"""

ASYNCHRONOUS = """
import asyncio
import os
import time

from slack_bolt.async_app import AsyncApp, AsyncAssistant

bot = AsyncApp(token=os.environ["SLACK_BOT_TOKEN"])
assistant = AsyncAssistant()


@assistant.user_message
async def asked(say, payload):
    await say("You: " + payload["text"])


bot.use(assistant)


@bot.command("/deploy")
async def deploy(ack, respond):
    await ack({"text": "on it", "response_type": "ephemeral"})
    await asyncio.sleep(0.05)
    await respond("done")


@bot.command("/blocks")
async def blocks(ack):
    time.sleep(0.01)
    bot.client  # used outside of a request
    await ack()


@bot.command("/exit")
async def leave(ack):
    await ack()
    raise SystemExit(3)


@bot.command("/hang")
async def hang(ack):
    await ack()
    await asyncio.Event().wait()


@bot.command("/silent")
async def silent():
    pass


@bot.event("message")
async def message(event, client):
    found = await client.users_info(user=event["user"])
    await client.chat_postMessage(channel=event["channel"], text=found["user"]["profile"]["email"])
"""

SECOND = """
import threading

from slack_sdk import WebClient

going_on = threading.Event()
imported = WebClient(token="xoxb-own").auth_test()  # while it is imported


def register(app):
    @app.command("/thread")
    def in_a_thread(ack):
        ack()
        going_on.wait(20)

    @app.command("/after")
    def after(ack):
        ack(imported["team"])
"""

ASYNCHRONOUS_TESTS = """
import pytest
import second
from bot import bot


def test_a_command(anchorbolt):
    answer = anchorbolt.send(command="/deploy")
    assert (answer.text, answer.call("response_url")["text"]) == ("on it", "done")


async def test_slack_answers_what_the_test_says(anchorbolt):
    anchorbolt.slack.script("users.info", answer={"user": {"profile": {"email": "a@b"}}})
    assert anchorbolt.send(event="message", text="hello").call("chat.postMessage")["text"] == "a@b"


def test_an_assistant(anchorbolt):
    answer = anchorbolt.send(event="message", channel="D0ADA", thread_ts="1.2", text="why?")
    assert "You: why?" in [call["text"] for call in answer.calls if call.method == "chat.postMessage"]


async def test_outside_of_a_request(anchorbolt):
    assert (await bot.client.auth_test())["ok"]
    assert anchorbolt.send(command="/after").text == "Anchor Works"


def test_a_listener_that_ends_the_process_ends_its_own_run(anchorbolt):
    with pytest.raises(Exception, match="SystemExit was raised"):
        anchorbolt.send(command="/exit")
    assert anchorbolt.send(command="/blocks").status == 200


def test_what_takes_too_long(anchorbolt):
    with pytest.raises(TimeoutError, match="bot.hang still runs after 0.2 s"):
        anchorbolt.send(command="/hang", within_seconds=0.2)
    with pytest.raises(TimeoutError, match="in_a_thread still runs"):
        anchorbolt.send(command="/thread", within_seconds=0.2)
    second.going_on.set()
    assert anchorbolt.send(command="/deploy").status == 200


def test_what_is_never_acknowledged(anchorbolt):
    answer = anchorbolt.send(command="/silent", raise_errors=False)
    assert (answer.status, type(answer.error).__name__) == (503, "AckTimeoutError")
"""

AUTO = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def test_a_synchronous_app(tmp_path: Path) -> None:
    """Every kind of listener, lazy functions, errors and what Slack says, in tests of both kinds."""
    files = {"app.py": SYNCHRONOUS, "test_app.py": SYNCHRONOUS_TESTS}
    run_tests(tmp_path, {**files, "pytest.ini": f"{AUTO}anchorbolt_listeners = app\n"}).well(passed=11)


def test_an_asynchronous_app_and_a_function(tmp_path: Path) -> None:
    """Two modules, one of which calls Slack while it is imported, and what blocks, hangs or leaves."""
    files = {"bot.py": ASYNCHRONOUS, "second.py": SECOND, "tests/test_bot.py": ASYNCHRONOUS_TESTS}
    run_tests(tmp_path, {**files, "pytest.ini": f"{AUTO}anchorbolt_listeners = bot, second\n"}).well(passed=7)


ANY = """
def test_any(anchorbolt):
    assert anchorbolt.send(command="/x").text == "{}"
"""
REGISTER = """
def register(app):
    @app.command("/x")
    async def x(ack):
        await ack(__name__)
"""


def test_which_app(tmp_path: Path) -> None:
    """The option counts first, then LISTENERS, then the name `app`."""
    files = {"app.py": REGISTER, "one.py": REGISTER, "two.py": REGISTER}
    run_tests(tmp_path / "1", {**files, "test_x.py": ANY.format("app")}).well(passed=1)
    run_tests(tmp_path / "2", {**files, "test_x.py": ANY.format("one")}, LISTENERS="one").well(passed=1)
    option = {"pytest.ini": "[pytest]\nanchorbolt_listeners = two:register\n"}
    run_tests(tmp_path / "3", {**files, **option, "test_x.py": ANY.format("two")}, LISTENERS="one").well(passed=1)


def test_an_app_that_cannot_be_loaded(tmp_path: Path) -> None:
    """With the option, pytest ends before the tests; without it, the test that needs the app is an error."""
    option = {"pytest.ini": "[pytest]\nanchorbolt_listeners = nothing\n"}
    told = run_tests(tmp_path / "1", {**option, "test_x.py": ANY})
    assert (told.code, "LISTENERS=nothing: no module named 'nothing'" in told.text) == (4, True)
    told = run_tests(tmp_path / "2", {"test_x.py": ANY, "test_y.py": "def test_y(): pass"})
    assert (told.code, "1 passed, 1 error" in told.text, "no module named 'app'" in told.text) == (1, True, True)


def test_with_several_processes(tmp_path: Path) -> None:
    """Under pytest-xdist each process loads the app for itself."""
    files = {"app.py": SYNCHRONOUS, "test_app.py": SYNCHRONOUS_TESTS}
    option = {"pytest.ini": f"{AUTO}anchorbolt_listeners = app\n"}
    run_tests(tmp_path, {**files, **option}, "-n", "2").well(passed=11)
