"""The command line: `anchorbolt COMMAND`.

A command `x` is the module `anchorbolt.cli.x` with a function `x` that Typer can read, or with a `typer.Typer` named
`x` that holds subcommands. COMMANDS describes it; its module is imported only when the command is called.
Exit codes of every command: 0 done, 1 failed, 2 a mistake in the call or in the settings, LISTENERS included.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from anchorbolt.lifecycle import garbage_collection

COMMANDS = {
    "serve": "Runs the app in production: answers Slack, runs the listeners, drains on SIGTERM.",
    "dev": "Runs the app on your machine: against a Slack emulator, with one request of every kind.",
    "send": "Sends the running app a signed request, as Slack would.",
    "inbox": "Lists, shows, cancels, skips, replays and discards deliveries; pauses some or all.",
    "workspaces": "Lists and shows the workspaces that installed the app; removes, imports and re-encrypts them.",
    "region": "With several regions: shows what losing a site would cost; drains a region, and ends that.",
    "migrate": "Creates or upgrades the tables of the inbox in its database.",
    "manifest": "Prints the manifest from which Slack creates your app, for your host or for Socket Mode.",
    "check": "Checks settings, listeners and database, and says how to fix what is wrong.",
}


class LazyCommands(TyperGroup):
    """A group that knows the name and the description of each command, and imports only the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, sentence in COMMANDS.items():
            self.add_command(TyperCommand(name=name, help=sentence))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Loads the command that the arguments name."""
        name, known, rest = super().resolve_command(ctx, args)
        return name, known and load(args[0]), rest


def load(name: str) -> Any:
    """Imports a command's module and returns the command, ready to run."""
    command = getattr(import_module(f"anchorbolt.cli.{name}"), name)
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    # In Markdown mode, a line break in a docstring is no line break in the help.
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name)(command)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=LazyCommands,
    help="Anchorbolt: a Slack Bolt app that finishes what it acknowledges.",
    epilog="Exit codes: 0 done, 1 failed, 2 a mistake in the call or in the settings, LISTENERS included.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _root() -> None: ...


def main() -> None:
    """Runs the command that the arguments of the process name, and ends the process."""
    garbage_collection.seldom()  # before a command's module is imported
    typer.main.get_command(app).main(prog_name="anchorbolt")
