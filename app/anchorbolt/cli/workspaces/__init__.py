"""`anchorbolt workspaces`: the installations of the app, as operators see them and what they do to them."""

from __future__ import annotations

import typer

from anchorbolt.cli.workspaces import forget, import_store, listing, revoke, rotate_keys

workspaces = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Lists and shows the workspaces that installed the app; revokes their tokens, forgets and imports them;"
    " changes the key that encrypts their tokens.",
)
workspaces.command("list")(listing.list_)
workspaces.command("show")(listing.show)
workspaces.command("revoke")(revoke.revoke)
workspaces.command("forget")(forget.forget)
workspaces.command("import")(import_store.import_)
workspaces.command("rotate-keys")(rotate_keys.rotate_keys)
