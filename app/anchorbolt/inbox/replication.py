"""What the replication of a PostgreSQL promises: whether a failover can lose what was acknowledged.

It is read by SQL, as the primary sees it. What lies below PostgreSQL (a volume that is mirrored to another zone) is
not seen; nor is whether Patroni's `synchronous_mode_strict` is on, which keeps the promise while no standby is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from anchorbolt.inbox.sql import POSTGRESQL

# Of standbys that stream; a role without `pg_monitor` sees their names alone.
STANDBYS = text(
    "SELECT application_name, client_addr::text, sync_state, state,"
    " pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint, extract(epoch FROM flush_lag)::float8"
    " FROM pg_stat_replication ORDER BY application_name"
)
SETTINGS = text(
    "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit'),"
    " current_setting('fsync') = 'on', pg_is_in_recovery()"
)
COUNTED = re.compile(r"\s*(?:(?P<how>ANY|FIRST)\s+)?(?P<count>\d+)\s*\(", re.IGNORECASE)
STREAMING = "streaming"
IN_SYNC = frozenset({"sync", "quorum", "potential"})


@dataclass(frozen=True, slots=True)
class Standby:
    """One that is connected. `state`, `sync` and what it is behind are None where we may not see them."""

    name: str
    address: str | None
    sync: str | None  # async, potential, sync or quorum
    state: str | None
    behind_bytes: int | None
    behind_seconds: float | None

    @property
    def confirms(self) -> bool:
        """Whether it can confirm a commit now."""
        return self.state == STREAMING and self.sync in IN_SYNC


@dataclass(frozen=True, slots=True)
class Replication:
    """The settings of the server that was asked, and its standbys."""

    names: str  # synchronous_standby_names
    commit: str  # synchronous_commit, of our role in our database
    fsync: bool
    standbys: Sequence[Standby]

    @property
    def needed(self) -> int:
        """How many standbys must confirm a commit."""
        if not self.names.strip():
            return 0
        counted = COUNTED.match(self.names)
        return int(counted["count"]) if counted else 1

    @property
    def waits(self) -> bool:
        """Whether a commit waits for a standby's disk, or at least for its memory."""
        return self.needed > 0 and self.commit in {"on", "remote_apply", "remote_write"}

    @property
    def confirming(self) -> int | None:
        """How many standbys can confirm a commit now; None where we may not see that."""
        if any(one.state is None for one in self.standbys):
            return None
        return sum(one.confirms for one in self.standbys)

    def promise(self) -> str:
        """What is promised, in a sentence."""
        if self.waits:
            what = "is on" if self.commit != "remote_write" else "was received by"
            return (
                f"what was acknowledged {what} {self.needed} of the standbys too, beside the primary"
                f" (synchronous_standby_names: {self.names}; synchronous_commit: {self.commit})"
            )
        if not self.standbys:
            return (
                "no standby streams from the primary: what was acknowledged is on its disk, or what that is mirrored to"
            )
        return "standbys follow later: what was acknowledged is on the primary's disk at first"

    def warnings(self) -> list[str]:
        """Where a failover or a crash can lose what was acknowledged, each with what to do."""
        found = []
        if not self.fsync:
            found.append("fsync is off: a machine that loses power loses acknowledged events; switch it on")
        if self.commit == "off":
            found.append("synchronous_commit is off: a server that dies loses acknowledged events; set it to on")
        elif self.needed and self.commit == "local":
            found.append("synchronous_commit is local: a failover can lose acknowledged events; set it to on")
        elif self.needed and self.commit == "remote_write":
            found.append(
                "synchronous_commit is remote_write: a standby that loses power in the same moment as the primary"
                " loses acknowledged events; set it to on"
            )
        if self.standbys and not self.needed:
            found.append(
                "synchronous_standby_names is empty: a failover can lose acknowledged events."
                " With Patroni set synchronous_mode: quorum and synchronous_mode_strict: true"
            )
        confirming = self.confirming
        if self.waits and confirming is not None and confirming < self.needed:
            found.append(
                f"{confirming} of {self.needed} standbys are there that must confirm: no event is accepted now"
            )
        elif self.waits and confirming is not None and confirming == self.needed:
            found.append(
                "every standby that is there has to confirm: if one more is lost, no event is accepted;"
                " see to the others"
            )
        return found


def read(connection: Connection) -> Replication | None:
    """Reads it from the server that a connection leads to. None: that is no PostgreSQL, or a standby itself."""
    if connection.dialect.name != POSTGRESQL:
        return None
    names, commit, fsync, is_standby = connection.execute(SETTINGS).one()
    if is_standby:
        return None
    return Replication(names, commit, fsync, [Standby(*row) for row in connection.execute(STANDBYS)])
