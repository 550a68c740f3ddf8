"""`app.listener_runner.listener_start_handler` and its like of a synchronous app, and the setup of Django."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from anchorbolt.testing.kit import Kit

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import APP, names_of

HANDLERS = """
    import threading
    from slack_bolt import App, Assistant
    from slack_bolt.listener.listener_completion_handler import ListenerCompletionHandler
    from slack_bolt.listener.listener_start_handler import ListenerStartHandler

    told = []

    class Start(ListenerStartHandler):
        def handle(self, request, response):
            told.append(("start", request.body["type"], threading.get_ident()))

    class Completion(ListenerCompletionHandler):
        def handle(self, request, response):
            told.append(("completion", request.body["type"], threading.get_ident()))

    app = App(token="xoxb-1")
    app.listener_runner.listener_start_handler = Start()
    app.listener_runner.listener_completion_handler = Completion()

    class Bot:
        def mentioned(self, event, say):
            told.append(("listener", event["text"], threading.get_ident()))
            say("hi")

    def failed(request, logger):
        told.append(("listener", request.body["type"], threading.get_ident()))
        raise LookupError("x")

    assistant = Assistant()

    @assistant.thread_started
    def started(say):
        told.append(("listener", "assistant", threading.get_ident()))

    app.event("app_mention")(Bot().mentioned)
    app.event("reaction_added")(failed)
    app.assistant(assistant)
"""
ADAPTER = "slack_bolt.adapter.django"
REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"event": "app_mention", "text": "hello"}, "hello"),
    ({"event": "reaction_added", "raise_errors": False}, "event_callback"),
    ({"event": "assistant_thread_started"}, "assistant"),
]


@pytest.mark.parametrize(("sent", "told"), REQUESTS)
def test_the_handlers_of_a_synchronous_app_are_called(team: Team, sent: dict[str, Any], told: str) -> None:
    """Around each listener, also where it raises or is an assistant's, in the thread of the listener."""
    name = team(HANDLERS)
    kit = Kit(name)
    try:
        kit.send(**sent)
    finally:
        kit.close()
    found = sys.modules[name].told
    assert [(what, of) for what, of, _ in found] == [
        ("start", "event_callback"),
        ("listener", told),
        ("completion", "event_callback"),
    ]
    assert len({thread for _, _, thread in found}) == 1


FAKE_DJANGO = """
is_set_up = False
def setup():
    global is_set_up
    is_set_up = True
"""


def _django(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A Django that counts how often its old connections are closed. `source`: its `setup`."""
    package = folder / "django"
    package.mkdir()
    (package / "__init__.py").write_text(source)
    (package / "http.py").write_text("HttpRequest = HttpResponse = object\n")
    (package / "db.py").write_text("closed = []\ndef close_old_connections():\n    closed.append(1)\n")
    for name in ("django", "django.http", "django.db", ADAPTER, f"{ADAPTER}.handler"):
        monkeypatch.setitem(sys.modules, name, None)  # so that what is imported now is forgotten after the test
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "settings")


def test_django_is_set_up_before_listeners_are_imported(
    bolt: BoltApp, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module with listeners may import models, which Django refuses before its setup."""
    _django(tmp_path, monkeypatch, FAKE_DJANGO)
    register(bolt, team("    import django\n    assert django.is_set_up\n" + APP))
    assert names_of(bolt) == ["mentioned"]


def test_django_configurations_sets_django_up(
    bolt: BoltApp, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a class of django-configurations holds the settings, Django's own setup would find none."""
    _django(tmp_path, monkeypatch, FAKE_DJANGO)
    (tmp_path / "configurations.py").write_text("import django\ndef setup():\n    django.is_set_up = 'by a class'\n")
    monkeypatch.setitem(sys.modules, "configurations", None)
    monkeypatch.delitem(sys.modules, "configurations")
    monkeypatch.setenv("DJANGO_CONFIGURATION", "Local")
    register(bolt, team("    import django\n    assert django.is_set_up == 'by a class'\n" + APP))
    assert names_of(bolt) == ["mentioned"]


def test_an_app_that_the_setup_of_django_makes(
    bolt: BoltApp, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apps that an AppConfig makes call no Slack at the start, and one of them is found by a module that imports it."""
    makes = "def setup():\n    import made\n"
    _django(tmp_path, monkeypatch, makes)
    (tmp_path / "made.py").write_text(textwrap.dedent(APP))
    monkeypatch.setitem(sys.modules, "made", None)
    monkeypatch.delitem(sys.modules, "made")
    register(bolt, team("    import made\n"))
    assert names_of(bolt) == ["mentioned"]


def test_a_django_that_cannot_be_set_up_is_told(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    """The message names the variable, and the line that failed."""
    _django(tmp_path, monkeypatch, 'def setup():\n    raise ImportError("no settings")\n')
    (problem,) = refusal(team(APP))
    assert "DJANGO_SETTINGS_MODULE: it cannot be imported: ImportError: no settings (" in problem


def test_old_connections_of_django_are_closed_around_listeners(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after the listener and each lazy function, as Bolt's adapter for Django does."""
    _django(tmp_path, monkeypatch, FAKE_DJANGO)
    lazy = "    def lazy(say): say('hi')\n    app.command('/x')(ack=lambda ack: ack(), lazy=[lazy])\n"
    kit = Kit(team(APP + lazy))
    try:
        assert kit.send(command="/x").methods == ["chat.postMessage"]
    finally:
        kit.close()
    assert len(sys.modules["django.db"].closed) == 4
