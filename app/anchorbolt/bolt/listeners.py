"""Registers what LISTENERS names with our app."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import slack_sdk
from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.listener.async_listener_error_handler import AsyncDefaultListenerErrorHandler

from anchorbolt.bolt.adopt import django, factory, starts
from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.bolt.adopt.block_thread import MainBlock
from anchorbolt.bolt.adopt.going import noting_made
from anchorbolt.bolt.adopt.importing import ask_slack_at, import_module, what_and_where
from anchorbolt.bolt.adopt.main_blocks import MainBlocks
from anchorbolt.bolt.adopt.own_parts import has_own_parts
from anchorbolt.bolt.adopt.problems import Problems
from anchorbolt.bolt.adopt.runner_parts import check_handlers_of_ours, check_runner, error_handler_of
from anchorbolt.bolt.adopt.target import MAIN, Brought, Target, targets
from anchorbolt.bolt.app import BoltApp
from anchorbolt.errors import ListenersError
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")


def register(bolt: BoltApp, listeners: str, routes: str | None = None, blocks: MainBlocks | None = None) -> None:
    """Imports each module that LISTENERS names, and registers its app, or lets its function register.

    Args:
        bolt: our app. The address of its Web API client becomes the default of all clients that the modules make.
        listeners: the setting: `module` or `module:attribute`, several separated by commas.
        routes: the setting ROUTES. Its module may import further modules that register listeners with the app, as the
            module does that a web server starts from: so it is imported before the app is taken.
        blocks: the main blocks that have been run; the others run now.

    Raises:
        ListenersError: at the start, and not with the first event.
    """
    ask_slack_at(bolt.client.base_url)
    starts.take_over()
    blocks = blocks or MainBlocks()
    begun = set(blocks.threads)
    try:
        found = targets(listeners)
    except ListenersError as error:
        raise ListenersError(f"LISTENERS: {error}") from None
    problems = Problems()
    brought: list[tuple[Target, Brought]] = []
    with _noting_threads(begun), noting_made() as made:
        with problems.collected("DJANGO_SETTINGS_MODULE: "):
            django.set_up()
        for target in found:
            with problems.collected(f"LISTENERS={target}: "):
                brought.append((target, _brought(target, blocks, made)))
    if routes:
        _import_routes(routes)
    with _noting_threads(begun):
        for target, app_or_function in brought:
            with problems.collected(f"LISTENERS={target}: "):
                _warn_of_no_listeners(target, app_or_function)
                _register(bolt, app_or_function)
    problems.tell()
    _name_listeners_of_middleware(bolt)
    _warn_of_threads(begun)


@contextmanager
def _noting_threads(begun: set[threading.Thread]) -> Iterator[None]:
    """Adds to `begun` the threads that are started within, and still run."""
    before = set(threading.enumerate())
    yield
    begun |= set(threading.enumerate()) - before


def _warn_of_no_listeners(target: Target, brought: Brought) -> None:
    if isinstance(brought, App | AsyncApp) and not has_own_parts(brought):
        log.warning(
            "the app has no listeners: what the startup hook of a web server registers is missing,"
            " because that server is not started",
            app=str(target),
        )


def _warn_of_threads(begun: set[threading.Thread]) -> None:
    for thread in begun:
        if not isinstance(thread, MainBlock) and not _is_of_a_handler(thread):
            log.warning(
                "a thread was started while LISTENERS was imported: it runs in every process of every pod;"
                " what must run once belongs in a CronJob (docs/routes.md)",
                thread=thread.name,
            )


def _import_routes(routes: str) -> None:
    """Imports the module of ROUTES. What is wrong with it is told where its routes are looked for."""
    with suppress(ListenersError):
        import_module(routes.partition(":")[0].strip())


def _brought(target: Target, blocks: MainBlocks, made: list[App | AsyncApp]) -> Brought:
    """Returns what LISTENERS names. `made`: the apps that were made until now; this import may make more."""
    if target.attribute == MAIN:
        return blocks.app_of(target)
    before = len(made)
    module = import_module(target.module)
    found = target.find(module, made[before:] or made)
    if target.attribute is not None and not isinstance(found, App | AsyncApp) and factory.makes_app(found):
        return factory.app_of(found, target.attribute)
    return found


def _register(bolt: BoltApp, brought: Brought) -> None:
    if isinstance(brought, App | AsyncApp):
        adopt(bolt, brought)
        return
    name = getattr(brought, "__name__", type(brought).__name__)
    try:
        factory.run_to_its_end(brought(bolt), f"{name}(app)")
    except ListenersError:
        raise
    except Exception as error:  # whatever a function of a team's does
        raise ListenersError(*bolt.take_refused(), f"{name}(app) failed: {what_and_where(error)}") from error
    if refused := bolt.take_refused():
        raise ListenersError(*refused)
    check_runner(bolt.listener_runner)
    check_handlers_of_ours(bolt.listener_runner)
    if (handler := error_handler_of(bolt.listener_runner)) is not None:
        bolt.take_error_handler(handler)
        bolt.listener_runner.listener_error_handler = AsyncDefaultListenerErrorHandler(logger=bolt.logger)


def _is_of_a_handler(thread: threading.Thread) -> bool:
    """Whether a SocketModeHandler has started it, or it runs one: it does nothing, because nothing connects."""
    target = getattr(thread, "_target", None)
    return str(getattr(target, "__module__", "")).startswith((slack_sdk.__name__, starts.__name__))


def _name_listeners_of_middleware(bolt: BoltApp) -> None:
    """Names them together with the app's own listeners: no two have the same name."""
    for listener in bolt.listeners_of_middleware():
        bolt.listener_names.give(listener, listener.ack_function)
