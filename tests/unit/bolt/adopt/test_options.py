"""What becomes of each option of `App(...)` and `AsyncApp(...)`: it does what it does in Bolt, or is refused."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.adopt import options
from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.bolt.adopt.importing import GIVEN
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.workspace_authorization import WorkspaceAuthorization
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.errors import ListenersError
from anchorbolt.telemetry import metrics
from slack_bolt import App, Assistant, BoltContext, BoltRequest, BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.assistant.thread_context_store.file import FileAssistantThreadContextStore
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncServerErrorRetryHandler
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.oauth.installation_store import FileInstallationStore, Installation, InstallationStore
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from tests.unit.bolt.conftest import AppWith

BOT = AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-of-authorize", bot_id="B1", bot_user_id="U1")
KINDS: dict[str, Callable[..., Any]] = {"App": App, "AsyncApp": AsyncApp}


def an_app(slack: Any, **given: Any) -> App:
    """A synchronous app, as its module would make it."""
    client = given.pop("client", None) or WebClient(token="xoxb-made-up", base_url=slack.api_url)
    if "authorize" in given:
        client.token = None
    return App(client=client, signing_secret="", token_verification_enabled=False, **given)


def an_async_app(slack: Any, **given: Any) -> AsyncApp:
    """The same, asynchronous."""
    token = None if "authorize" in given else "xoxb-made-up"
    return AsyncApp(client=AsyncWebClient(token=token, base_url=slack.api_url), signing_secret="", **given)


def of(*apps: App | AsyncApp) -> Callable[[Any], None]:
    """A function that registers these apps."""

    def register(bolt: Any) -> None:
        for app in apps:
            adopt(bolt, app)

    return register


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_in_one_of_the_tables(kind: str) -> None:
    """Each option of the constructors of this Bolt is honoured, replaced or refused: none is ignored silently."""
    known = [*options.HONOURED, *options.OURS, *options.INSTALLS]
    assert len(known) == len(set(known))
    given = set(inspect.signature(KINDS[kind]).parameters)
    assert given <= set(known)
    if kind == "App":
        assert given == set(known)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", options.INSTALLS)
def test_a_refused_option(kind: str, name: str) -> None:
    """An option that cannot work is refused with what to do instead."""
    app = KINDS[kind](
        token="xoxb-1", signing_secret="x", **({"token_verification_enabled": False} if kind == "App" else {})
    )
    setattr(app, GIVEN, {name: FileInstallationStore()})
    with pytest.raises(ListenersError, match=rf"{kind}\({name}=\.\.\.\): set INSTALLATIONS=app"):
        options.check(app)
    options.check(app, installs_itself=True)


def test_an_option_that_nobody_knows() -> None:
    """An option of a newer Bolt is refused, not ignored."""
    app = App(token="xoxb-1", token_verification_enabled=False)
    setattr(app, GIVEN, {"of_tomorrow": True})
    with pytest.raises(ListenersError, match=r"App\(of_tomorrow=\.\.\.\): this option is not known here"):
        options.check(app)


@pytest.mark.parametrize("name", options.OURS)
def test_an_option_that_is_replaced_is_told(name: str) -> None:
    """An option that Anchorbolt does in its own way is told at the start, with what holds instead."""
    app = App(token="xoxb-1", token_verification_enabled=False)
    setattr(app, GIVEN, {name: True})
    with capture_logs() as logs:
        options.check(app)
    assert [(line["option"], line["instead"]) for line in logs] == [(f"App({name}=...)", options.OURS[name])]


def test_a_store_of_files_is_told() -> None:
    """A store that keeps files on one pod is named, with what to do instead."""
    app = App(token="xoxb-1", token_verification_enabled=False)
    setattr(app, GIVEN, {"assistant_thread_context_store": FileAssistantThreadContextStore()})
    with capture_logs() as logs:
        options.check(app)
    assert "FileAssistantThreadContextStore keeps files that no other pod sees" in logs[0]["event"]


@pytest.mark.parametrize("kind", KINDS)
async def test_oauth_by_the_environment(kind: str, monkeypatch: pytest.MonkeyPatch, app_with: AppWith) -> None:
    """Bolt turns to OAuth with a store of files by two variables of the environment alone: ours stays in its place."""
    monkeypatch.setenv("SLACK_CLIENT_ID", "1")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "2")
    theirs = KINDS[kind](signing_secret="x")
    assert theirs.oauth_flow is not None
    async with app_with(of(theirs)) as server:
        assert any(isinstance(one, WorkspaceAuthorization) for one in server.parts.bolt._async_middleware_list)


class OneWorkspace(AsyncInstallationStore, InstallationStore):
    """A team's own store, with one installation in it."""

    def find_installation(self, **_: Any) -> Installation | None:
        """Synchronous."""
        return Installation(user_id="U1", team_id="T1", bot_token="xoxb-of-store")

    async def async_find_installation(self, **_: Any) -> Installation | None:
        """Asynchronous."""
        return self.find_installation()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_store_of_the_app(kind: str, slack: Any, app_with: AppWith, monkeypatch: pytest.MonkeyPatch) -> None:
    """With INSTALLATIONS=app its own store finds the tokens, its pages are served, and nobody asks for ours."""
    tokens: list[str | None] = []
    ids: dict[str, Any] = {"client_id": "1", "client_secret": "2", "scopes": "chat:write"}
    theirs: Any
    if kind == "App":
        settings = OAuthSettings(**ids, installation_store=OneWorkspace())
        theirs = App(client=WebClient(base_url=slack.api_url), signing_secret="", oauth_settings=settings)

        def listener(ack: Any, client: WebClient) -> None:
            tokens.append(client.token)
            ack("yes")

        theirs.command("/approval")(listener)
    else:
        async_settings = AsyncOAuthSettings(**ids, installation_store=OneWorkspace())
        client = AsyncWebClient(base_url=slack.api_url)
        theirs = AsyncApp(client=client, signing_secret="", oauth_settings=async_settings)

        async def async_listener(ack: Any, client: AsyncWebClient) -> None:
            tokens.append(client.token)
            await ack("yes")

        theirs.command("/approval")(async_listener)
    monkeypatch.setitem(sys.modules, "team_with_store", type("module", (), {"app": theirs}))
    given = {"listeners": "team_with_store:app", "installations": "app", "slack_bot_token": None}
    async with app_with(lambda _: None, **given) as server:
        assert (await server.player.send(make("command"))).body == b"yes"
        page = await server.http.get("http://app/slack/install")
    assert tokens == ["xoxb-of-store"]
    assert page.status_code == 200
    assert "oauth/v2/authorize" in page.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_function_in_the_place_of_the_authorization_of_oauth_settings(
    app_with: AppWith, slack: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """`oauth_settings.authorize = ...`, as Slack's agents have it for a token of their own: it is asked as in Bolt."""
    tokens: list[str | None] = []
    given: dict[str, Any] = {"client_id": "1.2", "client_secret": "s", "installation_store": OneWorkspace()}
    settings: Any = OAuthSettings(**given) if kind == "App" else AsyncOAuthSettings(**given)
    client = (WebClient if kind == "App" else AsyncWebClient)(base_url=slack.api_url)

    async def asynchronous(**_: Any) -> AuthorizeResult:
        return BOT

    async def mentioned(client: Any) -> None:
        tokens.append(client.token)

    settings.authorize = (lambda **_: BOT) if kind == "App" else asynchronous
    theirs = KINDS[kind](client=client, signing_secret="", oauth_settings=settings)
    theirs.event("app_mention")((lambda client: tokens.append(client.token)) if kind == "App" else mentioned)
    monkeypatch.setitem(sys.modules, "team_with_wrapper", type("module", (), {"app": theirs}))
    settings_of_ours = {"listeners": "team_with_wrapper:app", "installations": "app", "slack_bot_token": None}
    async with app_with(lambda _: None, **settings_of_ours) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert tokens == ["xoxb-of-authorize"]


class Failing(OneWorkspace):
    """A team's store that is away for a while."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def find_installation(self, **of: Any) -> Installation | None:
        """Has none, so that Bolt asks for the bot."""
        return None if self.errors else super().find_installation(**of)

    def find_bot(self, **_: Any) -> None:
        """Raises what it was given."""
        if self.errors:
            raise self.errors.pop()

    async def async_find_bot(self, **of: Any) -> None:
        """Asynchronous."""
        self.find_bot(**of)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["Slack is busy", "the store is away", "the token is worth nothing"])
@pytest.mark.parametrize("in_a_function", [False, True], ids=["Bolt's own", "a function around it"])
async def test_a_store_that_cannot_tell(
    *, kind: str, in_a_function: bool, fault: str, slack: Any, app_with: AppWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Bolt swallows and calls not installed is another attempt; a true no runs nothing, and is counted so."""
    if fault == "Slack is busy":
        slack.script.add(Line(method="auth.test", error="internal_error"))
    if fault == "the token is worth nothing":
        slack.script.add(Line(method="auth.test", error="account_inactive", times=None))
    store = Failing(*[ConnectionError("away")] * (fault == "the store is away"))
    ids: dict[str, Any] = {"client_id": "1", "client_secret": "2", "scopes": "chat:write", "installation_store": store}
    theirs: Any
    if kind == "App":
        client: Any = WebClient(base_url=slack.api_url)
        settings: Any = OAuthSettings(**ids)
        authorize = settings.authorize

        def of_a_team(**of: Any) -> Any:
            return authorize(**of)

        if in_a_function:
            settings.authorize = of_a_team
        theirs = App(client=client, signing_secret="", oauth_settings=settings)
        theirs.event("app_mention")(lambda: None)
    else:
        client = AsyncWebClient(base_url=slack.api_url)
        settings = AsyncOAuthSettings(**ids)
        asynchronous = settings.authorize

        async def of_an_async_team(**of: Any) -> Any:
            return await asynchronous(**of)

        if in_a_function:
            settings.authorize = of_an_async_team
        theirs = AsyncApp(client=client, signing_secret="", oauth_settings=settings)

        async def listener() -> None: ...

        theirs.event("app_mention")(listener)
    monkeypatch.setitem(sys.modules, "team_that_fails", type("module", (), {"app": theirs}))
    given = {"listeners": "team_that_fails:app", "installations": "app", "slack_bot_token": None}
    counted = metrics.deliveries.value("event", "not_installed")
    async with app_with(lambda _: None, **given) as server:
        await server.player.deliver(sample := make("app_mention"))
        row = await server.until_ended(sample.key)
    is_no = fault == "the token is worth nothing"
    assert (row.state, row.attempts) == ("done", 1 if is_no else 2)
    assert metrics.deliveries.value("event", "not_installed") == counted + is_no


async def test_an_app_without_installations_cannot_find_tokens(app_with: AppWith) -> None:
    """INSTALLATIONS=app for an app that finds no tokens is told at the start."""
    with pytest.raises(ListenersError, match="INSTALLATIONS=app: no app of LISTENERS"):
        async with app_with(lambda _: None, installations="app"):
            pass


async def test_before_authorize(app_with: AppWith, slack: Any) -> None:
    """before_authorize runs before the authorization, in a thread, and what it answers ends the request."""
    seen = []

    def before(body: dict[str, Any], context: BoltContext, next: Any) -> BoltResponse | None:  # noqa: A002 - Bolt's
        seen.append((context.authorize_result, threading.current_thread().name.startswith("listener")))
        if body["text"] == "no":
            return BoltResponse(status=200, body="not today")
        next()
        return None

    app = an_app(slack, before_authorize=before)
    app.command("/approval")(lambda ack: ack("yes"))
    async with app_with(of(app)) as server:
        assert (await server.player.send(make("command", Scene(text="no")))).body == b"not today"
        assert slack.calls.by_method["auth.test"] == 0
        assert (await server.player.send(make("command", Scene(text="x")))).body == b"yes"
    assert seen == [(None, True)] * 2


async def fine(team_id: str, context: Any) -> AuthorizeResult:
    """An asynchronous authorize function."""
    assert team_id == context.team_id
    return BOT


AUTHORIZE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "App": (an_app, lambda team_id, context: BOT if team_id == context.team_id else None),
    "AsyncApp": (an_async_app, fine),
    "App, async def": (an_app, fine),
}


@pytest.mark.parametrize("case", AUTHORIZE)
async def test_authorize(app_with: AppWith, slack: Any, case: str) -> None:
    """A function of the team's authorizes: listeners get the token that it returns, in the context and the client."""
    make_app, authorize = AUTHORIZE[case]
    app, seen = make_app(slack, authorize=authorize), []

    async def asynchronous(context: Any, client: Any) -> None:
        seen.append((context.bot_token, client.token, context.bot_user_id))

    def synchronous(context: Any, client: Any) -> None:
        seen.append((context.bot_token, client.token, context.bot_user_id))

    app.event("app_mention")(asynchronous if make_app is an_async_app else synchronous)
    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert seen == [("xoxb-of-authorize", "xoxb-of-authorize", "U1")]
    assert slack.calls.by_method["auth.test"] == 0


async def test_authorize_that_knows_nobody(app_with: AppWith, slack: Any) -> None:
    """Where authorize returns None no listener runs, and the user is told what the option says."""
    app, ran = an_app(slack, authorize=lambda: None, user_facing_authorize_error_message="Install me first"), []
    app.shortcut(re.compile(".*"))(lambda ack: ran.append(ack()))
    async with app_with(of(app)) as server:
        ack = await server.player.send(make("shortcut"))
    assert (ack.status, ack.body) == (200, b"Install me first")
    assert not ran


async def test_authorize_that_fails(app_with: AppWith, slack: Any) -> None:
    """An error of authorize is a failed attempt, and no answer of success."""

    def broken() -> AuthorizeResult:
        raise LookupError("the team's database")

    app = an_app(slack, authorize=broken)
    app.event("app_mention")(lambda: None)
    app.command("/approval")(lambda ack: ack())
    async with app_with(of(app)) as server:
        assert (await server.player.send(make("command"))).status == 503
        ack = await server.player.send(make("app_mention"))
        row = await server.until_ended(ack.sample.key)
    assert row.state == "dead"
    assert "the team's database" in row.error


def test_client_of_an_app(bolt: BoltApp) -> None:
    """Address, headers, time limit, proxy, TLS and retry handlers of an app's client are those of its listeners."""
    context = ssl.create_default_context()
    client = WebClient(
        token="xoxb-1",
        base_url="http://127.0.0.1:9/other/",
        headers={"X-Team": "1"},
        timeout=7,
        proxy="http://127.0.0.1:9",
        ssl=context,
        retry_handlers=[ServerErrorRetryHandler()],
    )
    adopt(bolt, App(client=client, signing_secret="", token_verification_enabled=False))
    mine = bolt.client
    assert (mine.token, mine.base_url, mine.timeout) == ("xoxb-1", "http://127.0.0.1:9/other/", 7)
    assert (mine.proxy, mine.ssl, mine.headers["X-Team"]) == ("http://127.0.0.1:9", context, "1")
    assert bolt.threads.client is client


def test_client_of_an_async_app(bolt: BoltApp) -> None:
    """The same for an asynchronous client; its retry handlers take the place of ours of the same type."""
    handler = AsyncServerErrorRetryHandler(max_retry_count=5)
    client = AsyncWebClient(token="xoxb-1", headers={"X-Team": "1"}, timeout=7, retry_handlers=[handler])
    adopt(bolt, AsyncApp(client=client, signing_secret=""))
    assert (bolt.client.timeout, bolt.client.headers["X-Team"]) == (7, "1")
    found = [one for one in bolt.client.retry_handlers if isinstance(one, AsyncServerErrorRetryHandler)]
    assert found == [handler]


async def test_headers_and_retry_handlers_of_a_synchronous_client(app_with: AppWith, slack: Any) -> None:
    """A listener's client has what its app's has, retry handlers too, and its calls reach Slack."""
    handlers: list[RetryHandler] = [ServerErrorRetryHandler(max_retry_count=1)]
    client = WebClient(token="xoxb-made-up", base_url=slack.api_url, headers={"X-Team": "1"}, retry_handlers=handlers)
    app, seen = an_app(slack, client=client), []

    @app.event("app_mention")
    def mentioned(client: WebClient) -> None:
        seen.append((client.headers["X-Team"], client.retry_handlers == handlers, client.api_test()["ok"]))

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert seen == [("1", True, True)]


@pytest.mark.parametrize("ignoring", [True, False])
async def test_ignoring_self_events(app_with: AppWith, slack: Any, ignoring: bool) -> None:
    """What the bot itself wrote reaches a listener only where ignoring_self_events_enabled is False."""
    app, ran = an_app(slack, ignoring_self_events_enabled=ignoring), []
    app.event("app_mention")(lambda event: ran.append(event["user"]))
    async with app_with(of(app)) as server:
        me = (await server.parts.bolt.client.auth_test())["user_id"]
        ack = await server.player.send(make("app_mention", Scene(user_id=me)))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert ran == ([] if ignoring else [me])


async def test_raise_error_for_unhandled_request(app_with: AppWith, slack: Any) -> None:
    """What no listener is there for reaches `@app.error`, where the option says so, and its answer is the answer."""
    app, seen = an_app(slack, raise_error_for_unhandled_request=True), []

    @app.error
    def handler(error: Exception) -> BoltResponse:
        seen.append(type(error))
        return BoltResponse(status=200, body="what do you mean?")

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("command"))
    assert (ack.status, ack.body) == (200, b"what do you mean?")
    assert seen == [BoltUnhandledRequestError]


async def test_process_before_response(app_with: AppWith, slack: Any) -> None:
    """With process_before_response Slack is answered when the listener has returned, and not at its ack()."""
    app, order = an_app(slack, process_before_response=True), []

    @app.command("/approval")
    def command(ack: Any, client: WebClient) -> None:
        ack("done")
        client.api_test()
        order.append("returned")

    async with app_with(of(app)) as server:
        assert (await server.player.send(make("command"))).body == b"done"
        order.append("answered")
    assert order == ["returned", "answered"]


async def test_a_response_that_is_returned(app_with: AppWith, slack: Any) -> None:
    """With process_before_response a BoltResponse that a listener returns is the answer, with an ack() or without."""
    app = an_app(slack, process_before_response=True)

    @app.command("/approval")
    def command(ack: Any, command: dict[str, str]) -> BoltResponse:
        if command["text"]:
            ack("acknowledged")
        return BoltResponse(status=200, body=f"returned {command['text']}")

    async with app_with(of(app)) as server:
        assert (await server.player.send(make("command", Scene(text="")))).body == b"returned "
        assert (await server.player.send(make("command", Scene(text="more")))).body == b"returned more"


async def test_name_and_logger(app_with: AppWith, slack: Any) -> None:
    """A listener's logger has the app's name, or is made from the app's own logger."""
    base = logging.getLogger("of the team")
    base.setLevel(logging.ERROR)
    app, seen = an_app(slack, name="our app", logger=base), []
    app.event("app_mention")(lambda logger: seen.append((logger.name, logger.level)))
    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    ((name, level),) = seen
    assert "our app" in name
    assert level == logging.ERROR


async def test_assistant_thread_context_store(app_with: AppWith, slack: Any) -> None:
    """The store of the option is the one that a listener of a conversation reads and writes."""
    saved = []

    class Store:
        def save(self, *, channel_id: str, thread_ts: str, context: dict[str, str]) -> None:
            saved.append(context)

        def find(self, *, channel_id: str, thread_ts: str) -> None: ...

    app = an_app(slack, assistant_thread_context_store=Store())

    @app.event("assistant_thread_started")
    def started(save_thread_context: Any) -> None:
        save_thread_context({"channel_id": "C1"})

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("assistant_thread_started"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert saved == [{"channel_id": "C1"}]


CONTRADICTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "tokens": ({"token": "xoxb-1"}, {"token": "xoxb-2"}, "the apps have different tokens"),
    "self events": ({}, {"ignoring_self_events_enabled": False}, "differ in ignoring_self_events_enabled"),
    "function tokens": ({}, {"attaching_function_token_enabled": False}, "differ in attaching_function_token_enabled"),
    "authorize": ({"authorize": fine}, {"authorize": lambda: BOT}, "two of the apps have an authorize function"),
}


@pytest.mark.parametrize("about", CONTRADICTIONS)
def test_apps_that_contradict_each_other(bolt: BoltApp, about: str) -> None:
    """Two apps of which only one can have its way are refused, with what to do."""
    one, other, told = CONTRADICTIONS[about]
    for given in (one, other):
        if "authorize" not in given:
            given.setdefault("token", "xoxb-1")
    adopt(bolt, App(signing_secret="", token_verification_enabled=False, **one))
    with pytest.raises(ListenersError, match=told):
        adopt(bolt, App(signing_secret="", token_verification_enabled=False, **other))


def test_two_error_handlers(bolt: BoltApp) -> None:
    """Two error handlers are refused: only one of them would be called."""
    for_error = []
    for _ in range(2):
        app = App(token="xoxb-1", token_verification_enabled=False)
        app.error(lambda error: None)
        for_error.append(app)
    adopt(bolt, for_error[0])
    with pytest.raises(ListenersError, match="two of the apps have an error handler"):
        adopt(bolt, for_error[1])


async def test_a_client_outside_of_listeners(app_with: AppWith, slack: Any) -> None:
    """The client of an adopted app is usable outside of listeners too, and raises what slack_sdk raises."""
    app = an_app(slack)
    async with app_with(of(app)):
        assert (await asyncio.to_thread(app.client.api_test))["ok"]
        with pytest.raises(SlackApiError):
            await asyncio.to_thread(app.client.chat_postMessage, channel="C1")


class DispatchingApp(App):
    """Counts its requests, as a subclass may."""

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        """Bolt's own hook."""
        return super().dispatch(req)


class DispatchingAsyncApp(AsyncApp):
    """The same, asynchronous."""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Bolt's own hook."""
        return await super().async_dispatch(req)


class PlainApp(App):
    """A subclass with nothing in the place of what Bolt has."""


@pytest.mark.parametrize(("kind", "warned"), [(DispatchingApp, 1), (DispatchingAsyncApp, 1), (PlainApp, 0), (App, 0)])
def test_a_dispatch_of_its_own_is_warned_of(bolt: BoltApp, kind: type[Any], warned: int) -> None:
    """It is not called, and what it adds would be missing without a word."""
    options_of = {} if issubclass(kind, AsyncApp) else {"token_verification_enabled": False}
    app = kind(token="xoxb-1", signing_secret="", **options_of)
    with capture_logs() as logs:
        adopt(bolt, app)
    assert [line["event"][:34] for line in logs] == ["the app's own dispatch is not call"] * warned


def test_an_assistant_with_a_process_of_its_own_is_refused(bolt: BoltApp) -> None:
    """It would not be called: an assistant of a synchronous app becomes an asynchronous one."""

    class Counted(Assistant):
        def process(self, **given: Any) -> BoltResponse | None:
            return super().process(**given)

    app = App(token="xoxb-1", signing_secret="", token_verification_enabled=False)
    app.use(Counted())
    with pytest.raises(ListenersError, match=r"App: Counted has a process\(\) of its own"):
        adopt(bolt, app)
