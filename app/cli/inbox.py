"""`python -m app inbox`: what waits, what runs, what is dead, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from app import main, settings
from app.delivery import restore
from app.delivery.redact import redact
from app.errors import AnchorboltError, RefusedError
from app.inbox import schema
from app.inbox.desk import STATES, Desk, Entry, Filter
from app.lifecycle import start
from app.telemetry.redact import without_secrets

Result = TypeVar("Result")

inbox = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Lists, shows, replays and discards deliveries; pauses all of them.",
)

State = Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")]
Kind = Annotated[str | None, typer.Option(help="event, command, action, shortcut or view.")]
Lane = Annotated[str | None, typer.Option(help="The whole name of a lane.")]
Error = Annotated[str | None, typer.Option(help="A part of the error.")]
Age = Annotated[str | None, typer.Option(help="An age such as 90s, 15m, 3h or 2d.")]
Most = Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Keys = Annotated[list[str] | None, typer.Argument(help="Keys or ids, as `inbox list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters that the filters leave.")]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@inbox.command("list")
def list_(  # noqa: PLR0917 - an option of a command is an argument of its function
    state: State = None,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: Age = None,
    younger_than: Age = None,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """Lists deliveries, the oldest first. Without --state: all but those that are done."""
    if state is not None and state not in STATES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(STATES)}", param_hint="--state")
    wanted = Filter(state, kind, lane, error, _seconds(older_than), _seconds(younger_than), most)

    def work(desk: Desk, connection: Connection) -> tuple[list[Entry], dict[str, int], float | None]:
        return desk.entries(connection, wanted), desk.counts(connection), desk.paused_for_seconds(connection)

    entries, counts, paused = _at_desk(work)
    if as_json:
        print(json.dumps({"counts": counts, "paused": paused is not None, "deliveries": [_plain(e) for e in entries]}))
        return
    if paused is not None:
        print(f"Paused for {_age(paused)}: all is accepted, nothing runs. `python -m app inbox resume` ends it.")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if entries:
        _print_table(entries)


@inbox.command()
def show(
    key: Annotated[str, typer.Argument(help="A key or an id.")],
    unredacted: Annotated[bool, typer.Option("--unredacted", help="Show tokens and response URLs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows one delivery with its payload; tokens and response URLs are left out unless you ask for them."""
    entry = _at_desk(lambda desk, connection: desk.find(connection, key))
    if entry is None:
        raise AnchorboltError(f"no delivery {key}: `python -m app inbox list` shows the keys")
    shown = _plain(entry) | {"payload": _payload(entry, unredacted=unredacted)}
    if as_json:
        print(json.dumps(shown))
        return
    for name, value in shown.items():
        if name != "payload":
            print(f"{name:>16}  {'' if value is None else value}")
    print(json.dumps(shown["payload"], indent=2, ensure_ascii=False))


@inbox.command()
def replay(  # noqa: PLR0917 - as above
    keys: Keys = None,
    all_: All = False,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: Age = None,
    younger_than: Age = None,
) -> None:
    """Runs dead letters again, with all their attempts before them, in their lanes."""
    _on_dead(keys, all_, Filter("dead", kind, lane, error, _seconds(older_than), _seconds(younger_than)), "replay")


@inbox.command()
def discard(  # noqa: PLR0917 - as above
    keys: Keys = None,
    all_: All = False,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: Age = None,
    younger_than: Age = None,
) -> None:
    """Gives dead letters up: their bodies go, their keys stay as tombstones."""
    _on_dead(keys, all_, Filter("dead", kind, lane, error, _seconds(older_than), _seconds(younger_than)), "discard")


@inbox.command()
def pause() -> None:
    """Lets all pods accept and run nothing, within a second: a bad release at noon. What runs goes on to its end."""
    _at_desk(lambda desk, connection: desk.pause(connection, paused=True))
    print("Paused: all is accepted, nothing begins to run. `python -m app inbox resume` ends it.")


@inbox.command()
def resume() -> None:
    """Ends a pause: what waits runs, the oldest first."""
    _at_desk(lambda desk, connection: desk.pause(connection, paused=False))
    print("Resumed.")


def _on_dead(keys: list[str] | None, all_: bool, wanted: Filter, do: str) -> None:
    if bool(keys) == all_:
        raise typer.BadParameter("name dead letters, or say --all (with filters)")

    def work(desk: Desk, connection: Connection) -> tuple[int, list[str]]:
        if all_:
            everything = Filter(**{**asdict(wanted), "most": 100_000})
            found: list[Entry | None] = list(desk.entries(connection, everything))
        else:
            found = [desk.find(connection, key) for key in keys or []]
        missed = [key for key, entry in zip(keys or [], found, strict=False) if entry is None or entry.state != "dead"]
        ids = [entry.id for entry in found if entry is not None]
        return getattr(desk, do)(connection, ids), missed

    count, missed = _at_desk(work)
    print(f"{count} {'replayed' if do == 'replay' else 'discarded'}")
    if missed:
        raise AnchorboltError(f"no dead letter: {', '.join(missed)}")


def _at_desk(work: Callable[[Desk, Connection], Result]) -> Result:
    loaded = settings.load()
    start.configure_logs(loaded)
    return asyncio.run(_transact(loaded, work))


async def _transact(loaded: settings.Settings, work: Callable[[Desk, Connection], Result]) -> Result:
    database = main.database(loaded, serves=False)
    if not database.durable:
        raise AnchorboltError("DATABASE_URL is in memory: its deliveries are seen by the pod alone")
    try:
        await database.open()
        await database.transact(schema.check)
        return await database.transact(lambda connection: work(Desk(database.dialect), connection), 60)
    finally:
        await database.close()


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    del plain["body"], plain["content_type"]
    if entry.error:
        plain["error"] = without_secrets(entry.error)
    return plain


def _payload(entry: Entry, *, unredacted: bool) -> Any:
    if entry.body is None:
        return None
    try:
        payload = restore(entry.body, entry.content_type, entry.key).payload
    except RefusedError as error:
        return f"(cannot be read: {error.word})"
    return payload if unredacted else redact(payload)


def _print_table(entries: list[Entry]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "key", "state", "kind", "lane", "attempts", "age", "next in", "error"):
        table.add_column(name, overflow="fold" if name in ("key", "error") else "ellipsis")
    for entry in entries:
        table.add_row(
            str(entry.id),
            entry.key,
            entry.state,
            entry.kind,
            entry.lane,
            f"{entry.attempts}" + (f" (+{entry.crashes} cut)" if entry.crashes else ""),
            _age(entry.age_seconds),
            "" if entry.next_in_seconds is None else _age(entry.next_in_seconds),
            without_secrets(entry.error or ""),
        )
    Console().print(table)


def _seconds(age: str | None) -> float | None:
    if age is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", age)
    if found is None:
        raise typer.BadParameter(f"{age!r} is no age: 90s, 15m, 3h, 2d")
    return float(found[1]) * UNITS[found[2]]


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
