"""`inbox list` and `inbox show`: print deliveries."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from anchorbolt.cli.inbox.options import (
    Conversation,
    Error,
    Kind,
    Lane,
    Listener,
    OlderThan,
    Since,
    Workspace,
    YoungerThan,
    seconds,
)
from anchorbolt.cli.inbox.session import as_reader, unknown
from anchorbolt.cli.print_table import print_table
from anchorbolt.delivery import restore
from anchorbolt.errors import AnchorboltError, RefusedError
from anchorbolt.inbox.admin import STATES, Admin, Entry, Filter
from anchorbolt.inbox.pauses import Pause, Pauses
from anchorbolt.telemetry.redact import redact, without_secrets

State = Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")]
Newest = Annotated[bool, typer.Option("--newest", help="List the newest first.")]
Most = Annotated[int, typer.Option(help="How many to list at most.", min=1, max=10_000)]
# Of an error the list shows this many characters, and `show` all.
MOST_OF_ERROR = 120
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def list_(  # noqa: PLR0917 - an option of a command is an argument of its function
    state: State = None,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: OlderThan = None,
    younger_than: YoungerThan = None,
    listener: Listener = None,
    conversation: Conversation = None,
    workspace: Workspace = None,
    since: Since = None,
    newest: Newest = False,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """Lists deliveries, the oldest first. Without --state, it leaves out those that are done."""
    if state is not None and state not in STATES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(STATES)}", param_hint="--state")
    wanted = Filter(
        state,
        kind,
        lane,
        error,
        seconds(older_than),
        seconds(younger_than),
        most,
        listener=listener,
        conversation=conversation,
        workspace=workspace,
        since_seconds=seconds(since),
        newest_first=newest,
    )

    def work(
        admin: Admin, connection: Connection
    ) -> tuple[list[Entry], int, dict[str, int], float | None, list[Pause]]:
        pauses = Pauses(connection.dialect.name).read(connection)
        paused = admin.paused_for_seconds(connection)
        entries = admin.entries(connection, wanted)
        found = len(entries) if len(entries) < most else admin.count(connection, wanted)
        return entries, found, admin.counts(connection), paused, pauses

    entries, found, counts, paused, pauses = as_reader(work)
    if as_json:
        told = {"counts": counts, "paused": paused is not None, "found": found}
        print(json.dumps(told | {"deliveries": [_plain(entry) for entry in entries]}))
        return
    if paused is not None:
        print(f"Paused for {age(paused)}: all is accepted, nothing runs. `anchorbolt inbox resume` ends it.")
    for one in pauses:
        print(f"Paused for {age(one.seconds)} by {one.paused_by}: {one.scope} {one.name}.")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if entries:
        _print_table(entries)
    if found > len(entries):
        print(f"{len(entries):,} of {found:,}. `--most` lists more, and filters list others.")


def show(
    key: Annotated[str, typer.Argument(help="A key or an id, as `inbox list` shows it.")],
    unredacted: Annotated[bool, typer.Option("--unredacted", help="Show tokens and response URLs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows one delivery with its payload. Tokens and response URLs in it are hidden, unless you say --unredacted."""
    entry = as_reader(lambda admin, connection: admin.find(connection, key))
    if entry is None:
        raise unknown(key)
    plain = _plain(entry)
    try:
        payload = _payload(entry, unredacted=unredacted)
        text = json.dumps(plain | {"payload": payload}) if as_json else _told(payload)
    except RecursionError:
        raise AnchorboltError(f"the payload of {key} is nested too deep to be shown: delivery.body has it") from None
    if as_json:
        print(text)
        return
    before = plain.pop("attempts_before")
    for name, value in _for_people(plain).items():
        print(f"{name:>8}  {visible(value)}")
    for past in before:
        _print_attempt(past)
    if entry.crashes:
        print(f"\n{entry.crashes} attempts ended with their process, and left nothing else here.")
    print("\n" + text if before or entry.crashes else text)


def _print_attempt(past: dict[str, Any]) -> None:
    """Prints what is kept of an attempt; control characters in it were written by users of Slack."""
    began = datetime.fromtimestamp(past["started_at"], UTC).isoformat(timespec="seconds")
    why = f", {past['reason']}" if past["reason"] else ""
    of = f" of {past['listener']}" if past["listener"] else ""
    print(f"\nattempt {past['attempt']}{of} on {past['pod']}, {began}, {past['seconds']:g} s: {past['outcome']}{why}")
    for line in (past["traceback"] or past["error"] or "").splitlines():
        print("    " + visible(line))


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    del plain["body"], plain["content_type"]
    if entry.error:
        plain["error"] = without_secrets(entry.error)
    return plain


def _for_people(plain: dict[str, Any]) -> dict[str, str]:
    """The fields that say something, under the names of `inbox list`."""
    told = {"age": age(plain.pop("age_seconds"))}
    if (running := plain.pop("running_seconds")) is not None:
        told["running"] = age(running)
    if (next_in := plain.pop("next_in_seconds")) is not None:
        told["next in"] = age(next_in)
    error = plain.pop("error")
    del plain["undecryptable"]  # the payload says it
    told = {name: str(value) for name, value in plain.items() if value is not None} | told
    return told | {"error": error} if error else told


def _payload(entry: Entry, *, unredacted: bool) -> Any:
    if entry.undecryptable is not None:
        return f"(cannot be decrypted here: {entry.undecryptable})"
    if entry.body is None:
        return None
    try:
        payload = restore(entry.body, entry.content_type, entry.key).payload
    except RefusedError as error:
        return f"(cannot be read: {error.word}; delivery.body has it as it came)"
    return payload if unredacted else redact(payload)


def _print_table(entries: list[Entry]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "key", "state", "kind", "lane", "listener", "attempts", "age", "running", "next in", "error"):
        table.add_column(name, overflow="fold" if name in ("key", "error") else "ellipsis")
    for entry in entries:
        cells = (
            str(entry.id),
            entry.key,
            entry.state,
            entry.kind,
            entry.lane,
            entry.listener or "",
            f"{entry.attempts}" + (f" (+{entry.crashes} cut)" if entry.crashes else ""),
            age(entry.age_seconds),
            "" if entry.running_seconds is None else age(entry.running_seconds),
            "" if entry.next_in_seconds is None else age(entry.next_in_seconds),
            _cut(without_secrets(entry.error or "")),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))  # a string would be read as rich's markup
    print_table(table)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_OF_ERROR else text[: MOST_OF_ERROR - 1] + "…"


def _told(payload: Any) -> str:
    if payload is None:
        return "(no payload: it is deleted once a delivery is done)"
    if isinstance(payload, str):  # why it cannot be read
        return payload
    return "\n".join(visible(line) for line in json.dumps(payload, indent=2, ensure_ascii=False).split("\n"))


def visible(text: str) -> str:
    """Escapes control characters and line breaks: users of Slack wrote the text, and it must not control a terminal."""
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def age(seconds: float) -> str:
    """Returns an age in the largest unit of which there are two."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
