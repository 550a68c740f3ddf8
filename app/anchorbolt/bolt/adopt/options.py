"""What becomes of each option of `App(...)` and `AsyncApp(...)`: honoured, replaced by a setting, or refused."""

from __future__ import annotations

from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.assistant.thread_context_store.file import FileAssistantThreadContextStore
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore

from anchorbolt.bolt.adopt.importing import GIVEN, GIVEN_AT
from anchorbolt.errors import ListenersError
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

# They hold here as in Bolt.
HONOURED = frozenset(
    {
        "logger",
        "name",
        "process_before_response",
        "raise_error_for_unhandled_request",
        "token",
        "client",
        "before_authorize",
        "authorize",
        "user_facing_authorize_error_message",
        "ignoring_self_events_enabled",
        "ignoring_self_assistant_message_events_enabled",
        "attaching_function_token_enabled",
        "assistant_thread_context_store",
        "attaching_conversation_kwargs_enabled",
    }
)

# What Anchorbolt does itself, in its own way. An app that gives one of these is told so at the start.
OURS = {
    "signing_secret": "requests are verified with SLACK_SIGNING_SECRET",
    "verification_token": "ssl_check is answered without it",
    "token_verification_enabled": "the token is verified with the first request",
    "request_verification_enabled": "requests are always verified",
    "ssl_check_enabled": "ssl_check is always answered",
    "url_verification_enabled": "url_verification is always answered",
    "listener_executor": "synchronous functions run in SYNC_THREADS threads",
}

# An app that installs by OAuth on its own, or keeps installations: honoured with INSTALLATIONS=app.
INSTALLS = ("installation_store", "installation_store_bot_only", "oauth_settings", "oauth_flow")
_CHOOSE = (
    "set INSTALLATIONS=app, so that the app's own installations are used; or leave it out and set SLACK_CLIENT_ID,"
    " so that they are kept in the inbox's database (docs/workspaces.md)"
)
_FILES = (FileInstallationStore, FileOAuthStateStore)


def check(app: App | AsyncApp, *, installs_itself: bool = False) -> None:
    """Refuses what cannot work here, all of it at once, and logs what Anchorbolt does in its own way.

    `installs_itself`: INSTALLATIONS=app. Raises ListenersError.
    """
    given: dict[str, Any] = getattr(app, GIVEN, {})
    kind = "App" if isinstance(app, App) else "AsyncApp"
    wrong = []
    if not installs_itself:
        wrong += [f"{kind}({name}=...): {_CHOOSE}" for name in INSTALLS if given.get(name) is not None]
    wrong += [f"{kind}({name}=...): this option is not known here" for name in given if not _is_known(name)]
    if wrong:
        at = getattr(app, GIVEN_AT, None)
        raise ListenersError(*(f"{at}: {problem}" if at else problem for problem in wrong))
    if isinstance(given.get("assistant_thread_context_store"), FileAssistantThreadContextStore):
        log.warning(
            "FileAssistantThreadContextStore keeps files that no other pod sees: leave the store out,"
            " and Bolt keeps the context in the thread's first message",
            option=f"{kind}(assistant_thread_context_store=...)",
        )
    if _has_own_dispatch(app):
        log.warning(
            "the app's own dispatch is not called: put what it adds into a middleware",
            app=f"{type(app).__name__} in {type(app).__module__}",
        )
    if installs_itself:
        _warn_of_files(app)
    elif has_oauth_of_the_environment(app):
        log.info("installations are kept in the inbox's database, and not in Bolt's files")
    for name, instead in OURS.items():
        if given.get(name) is not None:
            log.info("an option of the app is not used", option=f"{kind}({name}=...)", instead=instead)


def _has_own_dispatch(app: App | AsyncApp) -> bool:
    """Whether a subclass, or the app itself, has another method in the place of the one that takes Bolt's requests."""
    name, bolts = ("dispatch", App) if isinstance(app, App) else ("async_dispatch", AsyncApp)
    return name in vars(app) or getattr(type(app), name) is not getattr(bolts, name)


def _warn_of_files(app: App | AsyncApp) -> None:
    flow = app.oauth_flow
    stores = (app.installation_store, *((flow.settings.state_store,) if flow is not None else ()))
    for store in stores:
        if isinstance(store, _FILES):
            log.warning(
                "a store keeps files that no other pod sees: give the app one that keeps a database",
                store=type(store).__name__,
            )


def has_oauth_of_the_environment(app: App | AsyncApp) -> bool:
    """Whether Bolt has made an app install by OAuth only because it found SLACK_CLIENT_ID in the environment.

    Then its store of installations is Bolt's default, files that no other pod sees, and ours takes its place.
    """
    given: dict[str, Any] = getattr(app, GIVEN, {})
    return app.oauth_flow is not None and all(given.get(name) is None for name in ("authorize", *INSTALLS))


def _is_known(name: str) -> bool:
    return name in HONOURED or name in OURS or name in INSTALLS
