"""`inbox pause`, `inbox resume` and `inbox pauses`: keep deliveries from running, all of them or some."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import visible
from anchorbolt.cli.inbox.options import By, who
from anchorbolt.cli.inbox.session import as_admin, as_reader
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.pauses import SCOPES, Pause, Pauses

KINDS = ("event", "command", "action", "shortcut", "view")

Listener = Annotated[str | None, typer.Option(help="Only this listener, by its name in the log.")]
Kind = Annotated[str | None, typer.Option(help="Only this kind: event, command, action, shortcut or view.")]
Workspace = Annotated[str | None, typer.Option(help="Only this workspace, by its id.")]
Conversation = Annotated[str | None, typer.Option(help="Only this conversation, by its id.")]


def pause(
    listener: Listener = None,
    kind: Kind = None,
    workspace: Workspace = None,
    conversation: Conversation = None,
    by: By = None,
) -> None:
    """Stops all pods from starting runs, of everything or of one thing. They still accept deliveries.

    What runs already goes on, and so do commands and interactions until their ack, because a user waits for it.

    A pause lasts until `inbox resume` with the same option, also over restarts.
    """
    scope, name = _chosen(listener, kind, workspace, conversation)
    if scope is None:
        before = as_admin(lambda admin, connection: _pause_all(admin, connection, who(by)))
        said = "Paused" if before is None else f"Paused already, by {visible(before)}"
        print(f"{said}: all is accepted, nothing begins to run. `anchorbolt inbox resume` ends it.")
        return
    began = as_admin(lambda _, connection: _pauses(connection).pause(connection, scope, name, who(by)))
    if not began:
        raise AnchorboltError(f"{scope} {name} is paused already; `anchorbolt inbox pauses` says by whom")
    print(f"Paused: {scope} {name}. What comes for it waits. `anchorbolt inbox resume --{scope} {name}` ends it.")
    # A kind is one of a few, which was looked at.
    if scope != "kind" and not as_reader(lambda _, connection: _pauses(connection).knows(connection, scope, name)):
        print(
            f"Is {visible(name)} its name? Nothing that waits or is dead has it; `anchorbolt inbox list` shows names."
        )


def resume(
    listener: Listener = None, kind: Kind = None, workspace: Workspace = None, conversation: Conversation = None
) -> None:
    """Ends a pause. What has waited is run, workspace by workspace in turn, the oldest delivery of each first."""
    scope, name = _chosen(listener, kind, workspace, conversation)
    if scope is None:
        left, was_paused = as_admin(_resume_all)
        said = "Resumed." if was_paused else "It was not paused as a whole."
        print(said + "".join(f" {one.scope} {visible(one.name)} is still paused." for one in left))
        return
    if not as_admin(lambda _, connection: _pauses(connection).resume(connection, scope, name)):
        raise AnchorboltError(f"{scope} {name} is not paused; `anchorbolt inbox pauses` lists what is")
    print(f"Resumed: {scope} {name}. What waits for it runs within a second.")


def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Lists what is paused, with who paused it and since when."""

    def work(admin: Admin, connection: Connection) -> tuple[list[Pause], float | None, str | None]:
        return (
            _pauses(connection).read(connection),
            admin.paused_for_seconds(connection),
            admin.paused_by(connection),
        )

    found, of_all, by = as_reader(work)
    if of_all is not None:
        found.insert(0, Pause("all", "everything", by or "unknown", of_all))
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        print(visible(f"{one.scope} {one.name}: paused for {one.seconds:.0f} s by {one.paused_by}"))
    if not found:
        print("Nothing is paused.")


def _pause_all(admin: Admin, connection: Connection, by: str) -> str | None:
    """Pauses everything. Returns who had done so before, if it was paused."""
    was_paused = admin.paused_for_seconds(connection) is not None
    before = (admin.paused_by(connection) or "unknown") if was_paused else None
    admin.pause(connection, paused=True, paused_by=by)
    return before


def _resume_all(admin: Admin, connection: Connection) -> tuple[list[Pause], bool]:
    was_paused = admin.paused_for_seconds(connection) is not None
    admin.pause(connection, paused=False)
    return _pauses(connection).read(connection), was_paused


def _chosen(
    listener: str | None, kind: str | None, workspace: str | None, conversation: str | None
) -> tuple[str | None, str]:
    named = zip(SCOPES, (listener, kind, workspace, conversation), strict=True)
    given = [(scope, name) for scope, name in named if name is not None]
    if len(given) > 1:
        raise typer.BadParameter("choose one of --listener, --kind, --workspace and --conversation")
    if any(not name for _, name in given):  # an empty variable of a shell must not pause or resume everything
        raise typer.BadParameter(f"--{given[0][0]} is empty")
    if kind and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}", param_hint="--kind")
    return given[0] if given else (None, "")


def _pauses(connection: Connection) -> Pauses:
    return Pauses(connection.dialect.name)
