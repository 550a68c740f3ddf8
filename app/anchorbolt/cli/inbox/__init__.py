"""`anchorbolt inbox`: what operators see of deliveries and do to them."""

from __future__ import annotations

import typer

from anchorbolt.cli.inbox import dead, holds, listing, pauses, stopping

inbox = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Lists, shows, cancels, skips, replays and discards deliveries; pauses some or all; releases held listeners.",
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
inbox.command("cancel")(stopping.cancel)
inbox.command("skip")(stopping.skip)
inbox.command("run-now")(stopping.run_now)
