"""The manifest and the listeners ask Slack for the same things, and the manifest can be filled in."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anchorbolt_sample
import pytest
import typer
from anchorbolt.cli.manifest import MANIFEST, PLACEHOLDER, filled_in, for_sockets, installable, manifest
from anchorbolt.settings.model import Settings
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_sdk.web.async_client import AsyncWebClient
from typer.testing import CliRunner

from tests.unit.sample import samples
from tests.unit.sample.slack import Slack, dispatch, serving

# What Slack asks for each thing an app uses (docs.slack.dev/reference/methods and /reference/events, bot tokens).
METHOD_SCOPES = {
    "assistant.threads.setStatus": "assistant:write",
    "assistant.threads.setSuggestedPrompts": "assistant:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "im:history",  # only the conversations between a person and the app are read
    "conversations.open": "im:write",
    "conversations.replies": "im:history",  # Bolt itself, in the assistant's threads
    "functions.completeError": None,
    "functions.completeSuccess": None,
    "reactions.add": "reactions:write",
    "views.open": None,
    "views.publish": None,
}
EVENT_SCOPES = {
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "assistant_thread_context_changed": "assistant:write",
    "assistant_thread_started": "assistant:write",
    "function_executed": None,
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ASSISTANT_EVENTS = ("assistant_thread_started", "assistant_thread_context_changed", "message.im")

# The kind of what each of Bolt's methods registers, for the methods whose first argument names it.
METHODS = {
    "event": "event",
    "function": "function",
    "command": "command",
    "shortcut": "shortcut",
    "global_shortcut": "global",
    "message_shortcut": "message",
    "action": "action",
    "block_action": "action",
    "view": "view",
    "view_submission": "view",
    "view_closed": "view closed",
    "options": "options",
    "block_suggestion": "options",
}


class Recorder(AsyncApp):
    """Bolt, which notes what is registered with it, and what of that was reached by a request."""

    def __init__(self, client: AsyncWebClient | None = None) -> None:
        client = client or AsyncWebClient(token="xoxb-test")
        super().__init__(client=client, signing_secret="test", process_before_response=True)
        self.registered: set[tuple[str, str]] = set()
        self.reached: set[tuple[str, str]] = set()

    def noting(self, kind: str, name: object, decorate: Callable[..., Any]) -> Callable[..., Any]:
        """Notes what is registered, and returns a decorator for a listener that notes when it is reached."""
        assert isinstance(name, str), f"the {kind} {name!r} is a pattern: the manifest cannot be held against it"
        self.registered.add((kind, name))

        def register(listener: Callable[..., Awaitable[Any]]) -> Any:
            @functools.wraps(listener)
            async def reached(**arguments: Any) -> Any:
                self.reached.add((kind, name))
                return await listener(**arguments)

            return decorate(reached)

        return register

    def message(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Notes that messages are listened to; which of them is no business of the manifest."""
        return self.noting("event", "message", super().message(*args, **kwargs))

    def assistant(self, assistant: AsyncAssistant) -> Callable[..., Any] | None:
        """Notes an assistant; it is reached when its events are."""
        self.registered.add(("assistant", "assistant"))
        return super().assistant(assistant)

    def names(self, kind: str) -> set[str]:
        """What is registered of one kind."""
        return {name for noted, name in self.registered if noted == kind}

    @property
    def events(self) -> set[str]:
        """The events that anything registered comes by."""
        functions = {"function_executed"} if self.names("function") else set()
        assistant = set(ASSISTANT_EVENTS) if self.names("assistant") else set()
        return self.names("event") | functions | assistant


def _noting(method: str, kind: str) -> Callable[..., Any]:
    original = getattr(AsyncApp, method)

    def register(self: Recorder, constraint: object, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return self.noting(kind, constraint, original(self, constraint, *args, **kwargs))

    return register


for _method, _kind in METHODS.items():
    setattr(Recorder, _method, _noting(_method, _kind))


@pytest.fixture
def recorder() -> Recorder:
    """The sample app, registered."""
    recorder = Recorder()
    anchorbolt_sample.register(recorder)
    return recorder


@pytest.fixture
def declared() -> dict[str, Any]:
    """What manifest.json tells Slack."""
    manifest: dict[str, Any] = json.loads(MANIFEST.read_text())
    return manifest


def test_commands_are_the_same(recorder: Recorder, declared: dict[str, Any]) -> None:
    """Each command that Slack offers has a listener, and each listener's command is offered."""
    commands = {command["command"] for command in declared["features"]["slash_commands"]}
    assert commands == recorder.names("command") != set()


@pytest.mark.parametrize("kind", ["global", "message"])
def test_shortcuts_are_the_same(recorder: Recorder, declared: dict[str, Any], kind: str) -> None:
    """Each shortcut that Slack offers has a listener, and each listener's shortcut is offered, of the same kind."""
    shortcuts = {each["callback_id"] for each in declared["features"]["shortcuts"] if each["type"] == kind}
    assert shortcuts == recorder.names(kind) != set()


def test_functions_are_the_same(recorder: Recorder, declared: dict[str, Any]) -> None:
    """Each workflow step that Slack offers has a listener, and each listener's step is offered."""
    assert set(declared["functions"]) == recorder.names("function") != set()


def test_the_step_reads_the_inputs_that_are_declared(declared: dict[str, Any]) -> None:
    """What a workflow fills in is what the listener reads, and what the sample of the listeners' tests holds."""
    step = declared["functions"]["request_approval"]
    assert set(step["input_parameters"]) == set(samples.step()["event"]["inputs"])
    assert set(step["output_parameters"]) == {"decision"}


def test_every_event_that_is_listened_to_is_sent(recorder: Recorder, declared: dict[str, Any]) -> None:
    """Slack sends each event that has a listener; a listener for messages gets those of at least one conversation."""
    sent = set(declared["settings"]["event_subscriptions"]["bot_events"])
    sent |= {name.partition(".")[0] for name in sent}
    assert recorder.events <= sent


def test_every_event_that_is_sent_is_listened_to(recorder: Recorder, declared: dict[str, Any]) -> None:
    """Slack sends no event without a listener: each costs the app a request."""
    heard = recorder.events
    sent = declared["settings"]["event_subscriptions"]["bot_events"]
    assert [name for name in sent if name not in heard and name.partition(".")[0] not in heard] == []


def test_interactivity_is_on_where_it_is_needed(recorder: Recorder, declared: dict[str, Any]) -> None:
    """Buttons, forms and shortcuts need interactivity; options need an address of their own."""
    interactivity = declared["settings"]["interactivity"]
    interactive = {"action", "view", "global", "message"} & {kind for kind, _ in recorder.registered}
    assert interactivity["is_enabled"] is bool(interactive)
    assert ("message_menu_options_url" in interactivity) is bool(recorder.names("options"))


def test_the_faces_of_the_app_are_on_where_they_are_needed(recorder: Recorder, declared: dict[str, Any]) -> None:
    """A home tab is shown if somebody publishes it, the assistant if somebody answers, messages if cards come there."""
    features = declared["features"]
    assert features["app_home"]["home_tab_enabled"] is ("app_home_opened" in recorder.events)
    assert ("assistant_view" in features) is bool(recorder.names("assistant"))
    assert features["app_home"]["messages_tab_enabled"] is True
    assert declared["settings"]["function_runtime"] == "remote"


@pytest.fixture
async def exercised() -> AsyncIterator[tuple[Recorder, Slack]]:
    """The sample app after it was sent every sample, and the Web API that it called."""
    async with serving() as slack:
        recorder = Recorder(AsyncWebClient(token="xoxb-test", base_url=slack.url))
        anchorbolt_sample.register(recorder)
        for body in samples.every():
            assert (await dispatch(recorder, body)).status == 200
        yield recorder, slack


async def test_every_listener_has_a_sample(exercised: tuple[Recorder, Slack]) -> None:
    """The samples reach every listener, so that the calls they lead to are those that the app makes."""
    recorder, slack = exercised
    assert recorder.registered - recorder.reached == {("assistant", "assistant")}
    assert {"assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts"} <= set(slack.methods)


async def test_scopes_are_those_that_are_needed(exercised: tuple[Recorder, Slack], declared: dict[str, Any]) -> None:
    """The app asks for the scope of each method it calls and of each event it is sent, and for no other."""
    recorder, slack = exercised
    events = declared["settings"]["event_subscriptions"]["bot_events"]
    needed = {METHOD_SCOPES[method] for method in slack.methods} | {EVENT_SCOPES[event] for event in events}
    if recorder.names("command") or recorder.names("global") or recorder.names("message"):
        needed.add("commands")
    assert set(declared["oauth_config"]["scopes"]["bot"]) == needed - {None}


def _addresses(value: Any) -> list[str]:
    """Every address anywhere in a manifest."""
    if isinstance(value, dict):
        return [address for each in value.values() for address in _addresses(each)]
    if isinstance(value, list):
        return [address for each in value for address in _addresses(each)]
    return [value] if isinstance(value, str) and "://" in value else []


def test_every_address_is_a_placeholder(declared: dict[str, Any]) -> None:
    """The manifest in the repository names nobody's host."""
    assert set(_addresses(declared)) == {f"{PLACEHOLDER}/slack/events"}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("example.com", "https://example.com"),
        ("https://a-b.example.com/", "https://a-b.example.com"),
        ("example.com:8443", "https://example.com:8443"),
    ],
)
def test_the_host_is_filled_in(host: str, origin: str) -> None:
    """Every address of the manifest has the host, however it was given, and the path that the app serves."""
    assert set(_addresses(json.loads(filled_in(host)))) == {f"{origin}/slack/events"}


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "YOUR-HOST",
        "http://example.com",
        "https://example.com/slack",
        "https://user@example.com",
        "example.com\n",
        'example.com","x":"',
        "exa mple.com",
        "-example.com",
    ],
)
def test_a_bad_host_is_refused(host: str) -> None:
    """What Slack could not reach, or what would break the manifest, is refused with a message that names it."""
    with pytest.raises(typer.BadParameter, match="neither a host name"):
        filled_in(host)


def test_socket_mode_needs_no_host(declared: dict[str, Any]) -> None:
    """For Socket Mode the manifest switches it on, has no address in it, and is the same otherwise."""
    made = json.loads(for_sockets())
    assert _addresses(made) == []
    assert made["settings"]["socket_mode_enabled"] is True
    assert made["settings"]["interactivity"] == {"is_enabled": True}
    assert made["settings"]["event_subscriptions"].keys() == {"bot_events"}
    assert [command["command"] for command in made["features"]["slash_commands"]] == ["/approval"]
    assert {name for name in declared if made[name] != declared[name]} == {"features", "settings"}
    assert _run("--socket") == (0, for_sockets(), "")


def _run(*arguments: str) -> tuple[int, str, str]:
    command = typer.Typer()
    command.command()(manifest)
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.stdout, COLOURS.sub("", result.stderr)


def test_the_command_prints_the_manifest() -> None:
    """The command prints JSON and nothing else, so that it can be piped."""
    exit_code, output, errors = _run("--host", "example.com")
    assert (exit_code, errors) == (0, "")
    assert output == filled_in("example.com")
    json.loads(output)


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    """With --output the manifest is in the file, and nothing is printed."""
    file = tmp_path / "manifest.json"
    assert _run("--host", "example.com", "--output", str(file)) == (0, "", "")
    assert file.read_text() == filled_in("example.com")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "http://example.com"),
        ("--host", "example.com", "--output", "/nowhere/manifest.json"),
        ("--host", "example.com", "--socket"),
        ("--socket", "--output", "/nowhere/manifest.json"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    """A host or file that does not do ends the command with 2, an option's name and no traceback."""
    exit_code, output, errors = _run(*arguments)
    assert (exit_code, output) == (2, "")
    assert any(name in errors for name in arguments if name.startswith("--"))
    assert "Traceback" not in errors


def test_an_app_that_users_install_has_its_redirect_url_and_scopes() -> None:
    """With SLACK_CLIENT_ID, the manifest asks for what the pages ask for, and hears of workspaces that leave."""
    found = Settings(
        slack_client_id="1.2",
        slack_scopes="commands, chat:write",
        slack_user_scopes="search:read",
        public_url="https://bot.example.com",
        _env_file=None,
    )
    told = json.loads(installable(filled_in("bot.example.com"), found))
    assert told["oauth_config"] == {
        "scopes": {"bot": ["commands", "chat:write"], "user": ["search:read"]},
        "redirect_urls": ["https://bot.example.com/slack/oauth_redirect"],
    }
    events = told["settings"]["event_subscriptions"]["bot_events"]
    assert {"app_uninstalled", "tokens_revoked", "app_mention"} <= set(events)


def test_an_app_of_one_workspace_has_the_manifest_as_it_is() -> None:
    """Without SLACK_CLIENT_ID nothing is added."""
    text = filled_in("bot.example.com")
    assert installable(text, Settings(_env_file=None)) == text
