"""`anchorbolt dev`: what `make run` runs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from anchorbolt import settings
from anchorbolt.cli.dev.plan import Plan
from anchorbolt.cli.dev.session import Session
from anchorbolt.cli.dev.show import Screen, say
from anchorbolt.emulator.emulator import StandIn
from anchorbolt.emulator.scene import STAND_IN_URL, Scene
from anchorbolt.emulator.signing import STAND_IN_SECRET
from anchorbolt.lifecycle.ports import reachable, require_free

SAMPLE = "anchorbolt_sample"  # without LISTENERS: a checkout has it
STAND_IN_PORT = int(STAND_IN_URL.rstrip("/").rpartition(":")[2])
STAND_IN_TOKEN = "xoxb-stand-in"  # noqa: S105 - made up: it opens nothing but the stand-in
STAND_IN_APP_TOKEN = "xapp-stand-in"  # noqa: S105 - the same


def dev(
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo", help="Send one request of every kind, or none. Default: with the stand-in only."
        ),
    ] = None,
    stand_in_port: Annotated[
        int, typer.Option(help="Port of the stand-in; 0: any free one.", max=65535)
    ] = STAND_IN_PORT,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show all that the app logs, not only warnings.")] = False,
) -> None:
    """Runs the app on this machine and shows what it does; in production, `anchorbolt serve`. Ctrl-C drains it.

    Without SLACK_BOT_TOKEN it talks to a stand-in for Slack, which sends it one signed request of every kind.

    With SLACK_BOT_TOKEN, from the environment or .env, it talks to the real Slack, and nothing is sent to it unless you
    say --demo: then its listeners post in the real Slack.

    Where a port is taken, choose another: PORT, INTERNAL_PORT, --stand-in-port.

    Exits with 0 once it is drained, with 1 where it ended otherwise, and with 2 where a setting is wrong.
    """
    raise typer.Exit(asyncio.run(_run(settings.load(), demo=demo, stand_in_port=stand_in_port, verbose=verbose)))


async def _run(loaded: settings.Settings, *, demo: bool | None, stand_in_port: int, verbose: bool) -> int:
    if not loaded.has_socket:
        require_free(loaded.host, loaded.port, "PORT")
    require_free(loaded.host, loaded.internal_port, "INTERNAL_PORT")
    secrets = [secret.decode() for secret in loaded.signing_secrets]
    secret = secrets[0] if secrets else STAND_IN_SECRET
    listeners = loaded.listeners or SAMPLE
    changes = {"LISTENERS": listeners, "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "PYTHONUNBUFFERED": "1"}
    if not secrets:
        changes["SLACK_SIGNING_SECRET"] = secret
    async with AsyncExitStack() as stack:
        stand_in = None
        if loaded.slack_bot_token is None:
            stand_in = await stack.enter_async_context(StandIn(port=stand_in_port))
            changes |= {"SLACK_API_URL": stand_in.api_url, "SLACK_BOT_TOKEN": STAND_IN_TOKEN}
            if loaded.has_socket:
                changes["SLACK_APP_TOKEN"] = STAND_IN_APP_TOKEN
        address = reachable(loaded.host)
        plan = Plan(
            events_url=None if loaded.has_socket else f"http://{address}:{loaded.port}/slack/events",
            readyz_url=f"http://{address}:{loaded.internal_port}/readyz",
            secret=secret,
            listeners=listeners,
            demo=stand_in is not None if demo is None else demo and not (stand_in is None and loaded.has_socket),
            verbose=verbose,
        )
        slack = f"a stand-in at {stand_in.url}" if stand_in else f"the real one, {loaded.slack_api_url}"
        console = Screen()
        door = "in Socket Mode" if loaded.has_socket else f"on port {loaded.port}"
        say(console, f"Starting the app {door}; Slack is {slack}")
        scene = Scene(slack_url=stand_in.url) if stand_in else Scene()
        sockets = stand_in.sockets if stand_in and loaded.has_socket else None
        session = Session(plan, stand_in.calls if stand_in else None, scene, console, sockets)
        return await session.run(settings.environment_with(**changes))
