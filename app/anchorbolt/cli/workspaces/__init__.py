"""`anchorbolt workspaces`: what operators do to installations and their tokens."""

from __future__ import annotations

import typer

from anchorbolt.cli.workspaces import rotate_keys

workspaces = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Encrypts tokens and deliveries with a new key.",
)


@workspaces.callback()
def _root() -> None: ...


workspaces.command("rotate-keys")(rotate_keys.rotate_keys)
