"""`anchorbolt inbox`: lists deliveries, replays and discards dead letters, and pauses the inbox."""

from __future__ import annotations

import typer

from anchorbolt.cli.inbox import dead, holds, listing
from anchorbolt.cli.inbox.session import as_admin

inbox = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Lists, shows, replays and discards deliveries; pauses all of them, or releases a held listener.",
)
inbox.command("list")(listing.list_)
inbox.command("show")(listing.show)
inbox.command("replay")(dead.replay)
inbox.command("discard")(dead.discard)
inbox.command("holds")(holds.list_)
inbox.command("release")(holds.release)


@inbox.command()
def pause() -> None:
    """Stops all pods from starting runs, within a second. They still accept deliveries, and runs in progress finish."""
    as_admin(lambda admin, connection: admin.pause(connection, paused=True))
    print("Paused: all is accepted, nothing begins to run. `anchorbolt inbox resume` ends it.")


@inbox.command()
def resume() -> None:
    """Ends a pause: the deliveries that wait are run, the oldest first."""
    as_admin(lambda admin, connection: admin.pause(connection, paused=False))
    print("Resumed.")
