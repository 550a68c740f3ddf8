"""Every form of LISTENERS that teams have, and what is said of those that cannot be used."""

from __future__ import annotations

import sys

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from slack_bolt.listener.async_listener import AsyncCustomListener
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Refusal, Team

APP = """
    from slack_bolt import App
    app = App(token="xoxb-1", signing_secret="made-up")
    @app.event("app_mention")
    def mentioned(): ...
"""
ASYNC_APP = """
    from slack_bolt.async_app import AsyncApp
    app = AsyncApp(token="xoxb-1", signing_secret="made-up")
    @app.event("app_mention")
    async def mentioned(): ...
"""
FUNCTION = """
    def {name}(app):
        @app.event("app_mention")
        def mentioned(): ...
"""
FORMS = {
    "an App named app": (APP, ""),
    "an AsyncApp named app": (ASYNC_APP, ""),
    "the only App, of any name": (APP.replace("app =", "bot =").replace("@app", "@bot"), ""),
    "the only AsyncApp, of any name": (ASYNC_APP.replace("app =", "bot =").replace("@app", "@bot"), ""),
    "register": (FUNCTION.format(name="register"), ""),
    "register_listeners": (FUNCTION.format(name="register_listeners"), ""),
    "a named function": (FUNCTION.format(name="listen"), ":listen"),
    "a named App": (APP, ":app"),
    "an App of an object": (APP + "\n    class Bot:\n        mine = app\n    bot = Bot()\n", ":bot.mine"),
    "an App that only an object has": (
        APP.replace("app =", "made =").replace("@app", "@made")
        + "\n    class Bot:\n        apps = {'slack': made}\n    bot = Bot()\n    del made\n",
        "",
    ),
    "one App of two": (APP + '\n    other = App(token="xoxb-1", signing_secret="made-up")\n', ":app"),
    "a function beside an App": (APP + '\n    def register(given):\n        given.event("x")(mentioned)\n', ""),
}


def names_of(bolt: BoltApp) -> list[str]:
    """The functions of the listeners that are registered."""
    listeners = [one for one in bolt._async_listeners if isinstance(one, AsyncCustomListener)]
    return [one.ack_function.__name__ for one in listeners]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_taken(bolt: BoltApp, team: Team, form: str) -> None:
    """Each form of LISTENERS registers the listener of its module, once."""
    source, attribute = FORMS[form]
    register(bolt, team(source) + attribute)
    assert names_of(bolt) == ["mentioned"]


def test_an_app_that_an_imported_module_has_made(bolt: BoltApp, team: Team) -> None:
    """The only app that a module's import makes is taken, though no name in the module leads to it."""
    register(bolt, team(f"    import {team(APP)}\n"))
    assert names_of(bolt) == ["mentioned"]


def test_two_apps_that_no_name_leads_to(team: Team, refusal: Refusal) -> None:
    """Where a module's import makes two apps, none of them is taken by chance."""
    (problem,) = refusal(team(f"    import {team(APP)}, {team(APP)}\n"))
    assert "the module has no app" in problem


def test_an_app_that_only_a_handler_has(bolt: BoltApp, team: Team) -> None:
    """Where a module has its app only in a handler of Bolt's adapters, that is the app."""
    made = ASYNC_APP.replace("app = AsyncApp", "HANDLER = AsyncSlackRequestHandler(AsyncApp").replace('up")', 'up"))')
    text = "from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler\n" + made
    register(bolt, team("    " + text.replace("@app.", "@HANDLER.app.")))
    assert names_of(bolt) == ["mentioned"]


def test_several_are_registered_in_their_order(bolt: BoltApp, team: Team) -> None:
    """Several values, separated by commas, are registered in that order, synchronous and not."""
    one, other = team(APP.replace("mentioned", "one")), team(ASYNC_APP.replace("mentioned", "other"))
    register(bolt, f"{other}, {one}:app")
    assert names_of(bolt) == ["other", "one"]


BAD_FORMS = {
    "app.py": "app.py is a file: a module is named without .py, as in app",
    "src/bot/app.py": "as in src.bot.app",
    "app:": "names no module: write module or module:attribute",
    "app,": "names no module",
}


@pytest.mark.parametrize("listeners", BAD_FORMS)
def test_a_value_that_is_none(refusal: Refusal, listeners: str) -> None:
    """What is no name of a module is told, with what to write instead."""
    (problem,) = refusal(listeners)
    assert BAD_FORMS[listeners] in problem


BAD_MODULES = {
    "two apps": (
        'from slack_bolt import App\none = App(token="x")\ntwo = App(token="x")\n',
        "",
        "the module has several apps (one, two): name one of them",
    ),
    "no app": ("import json\ndef go(): ...\nNUMBER = 1\n", "", "found go (a function), NUMBER (of type int)"),
    "nothing": ("", "", "found nothing"),
    "no such name": ("bot = 1\n", ":app", "the module has no 'app'; found bot (of type int)"),
    "another thing": ("app = 1\n", ":app", "'app' is of type int: it has to be an App, an AsyncApp, or a function"),
    "a class": ("class app: ...\n", ":app", "'app' is a class"),
    "a syntax error": ("def x(:\n", "", ".py:1)"),
    "an error": ("def deep():\n    return 1 / 0\nimport json\njson.loads('1')\ndeep()\n", "", ".py:2)"),
    "an error of a library": ("import json\njson.loads('{')\n", "", ".py:2)"),
    "an end of the process": ("import sys\nsys.exit(1)\n", "", "it ends the process when it is imported ("),
    "a package that is missing": ("import not_there_at_all\n", "", ".py:1); install it into the environment"),
    "an error in the function": ("def register(app):\n    raise LookupError('x')\n", "", ".py:2)"),
}


@pytest.mark.parametrize("case", BAD_MODULES)
def test_a_module_that_cannot_be_used(refusal: Refusal, team: Team, case: str) -> None:
    """A module that cannot be used is named, with what was found in it or the team's last line."""
    source, attribute, expected = BAD_MODULES[case]
    name = team(source)
    (problem,) = refusal(name + attribute)
    assert problem.startswith(f"LISTENERS={name}{attribute}: ")
    assert expected in problem
    if expected.startswith(".py"):
        assert f"{name}{expected}" in problem


def test_all_that_is_wrong_is_told_at_once(refusal: Refusal, team: Team) -> None:
    """All that is wrong, in all modules, is told in one start, with file and line: first what is not imported."""
    options = team(
        "from slack_bolt import App\nfrom slack_bolt.oauth.oauth_settings import OAuthSettings\n"
        'app = App(signing_secret="x", oauth_settings=OAuthSettings(client_id="1", client_secret="2"))\n'
    )
    function = team(
        'def register(app):\n    @app.event("a", middleware=[1])\n    def first(): ...\n'
        '    @app.event("b", middleware=["x"])\n    def second(): ...\n'
    )
    missing = team("import not_there_at_all\n")
    problems = refusal(f"{options},{function},{missing}")
    assert len(problems) == 4
    assert "not_there_at_all" in problems[0]
    assert f"{options}.py:3: App(oauth_settings=...)" in problems[1]
    assert f"{function}.py:2" in problems[2]
    assert "first" in problems[2]
    assert f"{function}.py:4" in problems[3]


@pytest.mark.parametrize("kind", ["App", "AsyncApp"])
@pytest.mark.parametrize("logger", ["", ', logger=logging.getLogger("team")'])
def test_what_bolt_says_of_a_refused_option_is_not_shown(
    refusal: Refusal, team: Team, caplog: pytest.LogCaptureFixture, kind: str, logger: str
) -> None:
    """Bolt says that SLACK_BOT_TOKEN is ignored, and our refusal asks for it: only the refusal is shown."""
    store = "from slack_sdk.oauth.installation_store import FileInstallationStore\n"
    kinds = "import logging\nfrom slack_bolt import App\nfrom slack_bolt.async_app import AsyncApp\n"
    made = f'app = {kind}(token="x", signing_secret="x", installation_store=FileInstallationStore(){logger})\n'
    name = team(kinds + store + made)
    (problem,) = refusal(name)
    assert "installation_store=...): set INSTALLATIONS=app" in problem
    assert "ignored" not in caplog.text


def test_what_bolt_says_of_other_options_is_shown(bolt: BoltApp, team: Team, caplog: pytest.LogCaptureFixture) -> None:
    """With `authorize`, which is honoured, the token really is ignored, and Bolt says so."""
    register(
        bolt, team('from slack_bolt import App\napp = App(token="x", signing_secret="x", authorize=lambda: None)\n')
    )
    assert "will be ignored" in caplog.text


def test_a_thread_that_is_started_at_import_is_told(bolt: BoltApp, team: Team) -> None:
    """A scheduler that a module starts runs in every process: it is named at the start, with what to do instead."""
    name = team(
        APP + "\n    import threading\n    go = threading.Event()\n"
        '    threading.Thread(target=go.wait, name="jobs", daemon=True).start()\n'
    )
    with capture_logs() as logs:
        register(bolt, name)
    sys.modules[name].go.set()
    (told,) = [line for line in logs if "a thread was started" in line["event"]]
    assert told["thread"] == "jobs"
    assert "CronJob" in told["event"]
