"""`anchorbolt dev`: runs the app for development; `make run` calls it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import Annotated

import typer

from anchorbolt import settings
from anchorbolt.cli.app_url import app_url
from anchorbolt.cli.dev.plan import Plan
from anchorbolt.cli.dev.session import Session
from anchorbolt.cli.dev.show import Screen, say
from anchorbolt.cli.dev.sockets import listening
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.scene import EMULATOR_URL, Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle import start
from anchorbolt.lifecycle.ports import reachable
from anchorbolt.settings.misspelt import explained
from anchorbolt.settings.model import Settings

SAMPLE = "anchorbolt_sample"  # the listeners where LISTENERS is not set; only a checkout has them
EMULATOR_PORT = int(EMULATOR_URL.rstrip("/").rpartition(":")[2])
EMULATOR_TOKEN = "xoxb-emulator"  # noqa: S105 - made up: only the emulator accepts it
EMULATOR_APP_TOKEN = "xapp-emulator"  # noqa: S105 - the same


def dev(
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo", help="Send the app one request of every kind, or none. Default: only with the emulator."
        ),
    ] = None,
    emulator_port: Annotated[
        int, typer.Option(help="Port of the Slack emulator; 0: any free port.", max=65535)
    ] = EMULATOR_PORT,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show all that the app logs, not only warnings.")] = False,
) -> None:
    """Runs the app on your machine, and shows each delivery. Ctrl-C drains it. In production: `anchorbolt serve`.

    Without SLACK_BOT_TOKEN the app talks to a Slack emulator, and gets one signed request of every kind.

    With SLACK_BOT_TOKEN, in the environment or in .env, it talks to the real Slack. Then no request is made up for it
    unless you say --demo, and what its listeners post is posted in the real Slack.

    With SLACK_CLIENT_ID you install it first: in the emulator if PUBLIC_URL begins with http://localhost, otherwise in
    the real Slack, which needs https.

    When you save a listener, a module in the working directory that it imports, or .env, the app restarts: what runs
    is finished first, and requests wait. If the changed app cannot be loaded, the previous one goes on serving.

    If a port is taken, choose another by PORT, INTERNAL_PORT or --emulator-port.

    Exits with 0 after a drain, with 1 if it ended otherwise, and with 2 if a setting is wrong.
    """
    with explained():
        code = asyncio.run(_run(settings.load(), demo=demo, emulator_port=emulator_port, verbose=verbose))
    raise typer.Exit(code)


async def _run(loaded: Settings, *, demo: bool | None, emulator_port: int, verbose: bool) -> int:
    secrets = [secret.decode() for secret in loaded.signing_secrets]
    secret = secrets[0] if secrets else EMULATOR_SECRET
    if not loaded.listeners and find_spec(SAMPLE) is None:
        raise InvalidSettingsError([start.NO_LISTENERS])
    listeners = loaded.listeners or SAMPLE
    changes = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "LOG_DELIVERIES": "all", "PYTHONUNBUFFERED": "1"}
    if not loaded.listeners:  # otherwise each process reads it again: it may be changed in .env
        changes["LISTENERS"] = SAMPLE
    if not secrets:
        changes["SLACK_SIGNING_SECRET"] = secret
    async with AsyncExitStack() as stack:
        sockets = stack.enter_context(listening(loaded))
        emulator = None
        if _needs_the_emulator(loaded):
            emulator = await stack.enter_async_context(Emulator(port=emulator_port))
            changes |= {"SLACK_API_URL": emulator.api_url, "SLACK_APP_TOKEN": EMULATOR_APP_TOKEN}
            if not loaded.installs:
                changes["SLACK_BOT_TOKEN"] = EMULATOR_TOKEN
        address = reachable(loaded.host)
        plan = Plan(
            events_url=None if loaded.has_socket else app_url(loaded.port, address),
            readyz_url=f"http://{address}:{loaded.internal_port}/readyz",
            secret=secret,
            listeners=listeners,
            demo=emulator is not None and not loaded.installs
            if demo is None
            else demo and not (emulator is None and loaded.has_socket),
            verbose=verbose,
            durable=not _in_memory(loaded),
        )
        slack = f"an emulator at {emulator.url}" if emulator else f"the real one, {loaded.slack_api_url}"
        console = Screen()
        transport = "in Socket Mode" if loaded.has_socket else f"on port {loaded.port}"
        say(console, f"Starting {listeners} {transport}; Slack is {slack}")
        if loaded.installs:
            say(console, f"Install it in a workspace, once it serves: {loaded.public_url}/slack/install")
        scene = Scene(slack_url=emulator.url) if emulator else Scene()
        envelopes = emulator.sockets if emulator and loaded.has_socket else None
        session = Session(plan, emulator.calls if emulator else None, scene, console, envelopes)
        return await session.run(settings.environment_with(**changes), sockets)


def _needs_the_emulator(loaded: Settings) -> bool:
    """Whether there is no real Slack for the app: no token, or an address that Slack would send no browser to."""
    if loaded.installs:
        return not (loaded.public_url or "").startswith("https://")
    return loaded.slack_bot_token is None


def _in_memory(loaded: Settings) -> bool:
    """Whether each process has an inbox of its own; main.py would know too, but imports all that serves."""
    return loaded.database_url.get_secret_value().partition("://")[2].strip("/") in ("", ":memory:")
