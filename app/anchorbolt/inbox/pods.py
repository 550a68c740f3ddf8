"""Which processes there are: each writes every few seconds that it lives, for operators to see."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import pod

# How often a process writes its row.
EVERY_SECONDS = 5.0
# A process that has written nothing for so long is dead, or cannot reach the database.
GONE_SECONDS = 4 * EVERY_SECONDS
FORGET_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A process, as it was seen last.

    `name`: as the owner of lanes. `slots`: how many runs it has room for; 0: it only stores. `seconds`: since then.
    """

    name: str
    version: str
    state: str
    slots: int
    seconds: float


class Pods:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def write(self, connection: Connection, name: str, version: str, state: str, slots: int) -> None:
        """Notes that the process `name` lives, with its `version` of the app, its `state` and its number of `slots`.

        Forgets processes that have not been noted for FORGET_SECONDS.
        """
        into = insert(self._dialect, pod).values(name=name, version=version, state=state, slots=slots, seen_at=now())
        said = {column: into.excluded[column] for column in ("version", "state", "slots", "seen_at")}
        connection.execute(into.on_conflict_do_update(index_elements=[pod.c.name], set_=said))
        connection.execute(delete(pod).where(pod.c.seen_at < now() - FORGET_SECONDS))

    def read(self, connection: Connection) -> list[SeenPod]:
        """Returns the processes by their names; `gone` is the state of those that say nothing any more."""
        found = connection.execute(select(pod, (now() - pod.c.seen_at).label("seconds")).order_by(pod.c.name))
        return [
            SeenPod(row.name, row.version, row.state if row.seconds < GONE_SECONDS else "gone", row.slots, row.seconds)
            for row in found
        ]
