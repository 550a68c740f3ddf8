"""`region`: what the loss of each site would cost now; a region that is drained, and takes traffic again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection, text

from anchorbolt import settings
from anchorbolt.cli.inbox.options import By, who
from anchorbolt.cli.inbox.session import as_admin, as_reader
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox import replication
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.regions import Drained, Regions
from anchorbolt.inbox.replication import Replication
from anchorbolt.inbox.site_loss import Loss, losses

region = typer.Typer(
    help="With several regions: shows what losing a site would cost now; drains a region, and ends that."
)

Name = Annotated[str | None, typer.Argument(help="The region. Default: the one that the setting REGION names.")]
LEADER = text("SELECT coalesce(host(inet_server_addr()), 'a socket'), current_setting('cluster_name')")


@region.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Shows which database takes writes, how far the others are behind, and what losing each site would cost now."""

    def work(admin: Admin, connection: Connection) -> tuple[str, Replication | None, list[Drained]]:
        found = replication.read(connection)
        leader = (
            " ".join(filter(None, connection.execute(LEADER).one())) if found is not None else connection.dialect.name
        )
        return leader, found, Regions(connection.dialect.name).read(connection)

    leader, found, drained = as_reader(work)
    would_cost = losses(found) if found is not None else []
    if as_json:
        told = {"leader": leader, "replication": found and asdict(found), "losses": [asdict(one) for one in would_cost]}
        print(json.dumps({**told, "drained": [asdict(one) for one in drained]}))
        return
    print(f"writes: {leader}")
    if found is not None:
        _print(found, would_cost)
    for one in drained:
        print(f"region {one.region}: drained for {one.seconds:.0f} s by {one.by}; it gets no traffic")
    if not drained:
        print("No region is drained.")


@region.command()
def drain(name: Name = None, by: By = None) -> None:
    """Moves traffic away from a region: its ingress tells the global load balancer to send no more.

    Requests that still arrive there are answered. The pods know within six seconds. It lasts until `region undrain`,
    also over restarts.
    """
    named = _named(name)
    if not as_admin(lambda _, connection: Regions(connection.dialect.name).drain(connection, named, who(by))):
        raise AnchorboltError(f"region {named} is drained already; `anchorbolt region status` says by whom")
    print(f"Drained: region {named} gets no traffic. `anchorbolt region undrain {named}` ends it.")


@region.command()
def undrain(name: Name = None) -> None:
    """Lets a region take traffic again."""
    named = _named(name)
    if not as_admin(lambda _, connection: Regions(connection.dialect.name).undrain(connection, named)):
        raise AnchorboltError(f"region {named} is not drained; `anchorbolt region status` lists those that are")
    print(f"Region {named} takes traffic again.")


def _named(name: str | None) -> str:
    named = name or settings.load().region
    if not named:
        raise typer.BadParameter("name the region, or set REGION")
    return named


def _print(found: Replication, would_cost: list[Loss]) -> None:
    for one in found.standbys:
        if one.state is None:
            print(f"standby {one.name}: our database role may not see its state (grant it pg_monitor)")
            continue
        lag = f", {one.behind_seconds:.2f} s" if one.behind_seconds is not None else ""
        print(f"standby {one.name} ({one.address}): {one.sync}, {one.state}, {one.behind_bytes or 0} bytes behind{lag}")
    print(f"promise: {found.promise()}")
    for warning in found.warnings():
        print(f"warning: {warning}")
    for loss in would_cost:
        print(f"loss of {loss.site}: {loss.acknowledged}; {loss.writes}")
