"""`anchorbolt inbox`: lists deliveries, replays and discards dead letters, and pauses the inbox."""

from __future__ import annotations

import typer

from anchorbolt.cli.inbox import dead, holds, listing, pauses

inbox = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Lists, shows, replays and discards deliveries; pauses all or some of them; releases held listeners.",
)
inbox.command("list")(listing.list_)
inbox.command("show")(listing.show)
inbox.command("replay")(dead.replay)
inbox.command("discard")(dead.discard)
inbox.command("holds")(holds.list_)
inbox.command("release")(holds.release)
inbox.command("pause")(pauses.pause)
inbox.command("resume")(pauses.resume)
inbox.command("pauses")(pauses.list_)
