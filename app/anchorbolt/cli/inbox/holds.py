"""`inbox holds` and `inbox release`: the listeners that are held because their deliveries keep dying."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from anchorbolt.cli.inbox.listing import visible
from anchorbolt.cli.inbox.session import as_admin, as_reader
from anchorbolt.errors import AnchorboltError


def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Lists listeners whose deliveries failed for good lately: how many in a row, by which error, and if it is held."""
    found = as_reader(lambda admin, connection: admin.holds(connection))
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        held = "not held" if one.held_seconds is None else f"held for {one.held_seconds:.0f} s"
        line = f"{one.listener}: {held}; {one.deaths} in a row of {one.fingerprint}; version {one.version}"
        print(visible(line))
    if not any(one.held_seconds is not None for one in found):
        print("No listener is held.")


def release(listener: Annotated[str, typer.Argument(help="Its name, as `inbox holds` shows it.")]) -> None:
    """Lets a held listener go on: what waits for it runs, in order. Three more such failures in a row hold it again."""
    if not as_admin(lambda admin, connection: admin.release(connection, listener)):
        raise AnchorboltError(f"{listener} is not held; `anchorbolt inbox holds` lists those that are")
    print(f"Released: {listener}. What waits for it runs within a second.")
