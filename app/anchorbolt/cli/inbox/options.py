"""The options that several commands share, and the format of an age."""

from __future__ import annotations

import getpass
import os
import re
import socket
from typing import Annotated

import typer

Kind = Annotated[str | None, typer.Option(help="event, command, action, shortcut or view.")]
Lane = Annotated[str | None, typer.Option(help="A lane, by its full name.")]
Error = Annotated[str | None, typer.Option(help="Text that the error contains.")]
OlderThan = Annotated[str | None, typer.Option(help="Arrived longer ago than this: 90s, 15m, 3h, 2d.")]
YoungerThan = Annotated[str | None, typer.Option(help="Arrived less long ago than this: 90s, 15m, 3h, 2d.")]

Listener = Annotated[str | None, typer.Option(help="A listener, by its name in the log.")]
Conversation = Annotated[str | None, typer.Option(help="The id of its conversation, mostly a channel.")]
Workspace = Annotated[str | None, typer.Option(help="The id of a workspace.")]
Since = Annotated[
    str | None, typer.Option(help="Ended within this time, or arrived within it if it has not ended: 90s, 15m, 3h, 2d.")
]
By = Annotated[str | None, typer.Option(help="Who does it, for the record. Default: user and host of this command.")]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def who(by: str | None) -> str:
    """Returns who does it: `by`, or the user and the host of this command."""
    return by or f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a pod's user is a number that has no name; OSError from Python 3.13 on
        return str(os.getuid())


def seconds(age: str | None) -> float | None:
    """Converts an age such as `3h` to seconds; None stays None. Raises typer.BadParameter for another format."""
    if age is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", age)
    if found is None:
        raise typer.BadParameter(f"{age!r} is no time span; write it as 90s, 15m, 3h or 2d")
    return float(found[1]) * UNITS[found[2]]
