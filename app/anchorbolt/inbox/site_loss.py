"""What the loss of each site would cost now, by what the primary sees of its standbys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anchorbolt.inbox.replication import Replication, Standby

KEPT, AT_RISK = "nothing acknowledged is lost", "acknowledged events can be lost"
PRIMARY = "the primary"


@dataclass(frozen=True, slots=True)
class Loss:
    """`acknowledged`: what becomes of what was acknowledged. `writes`: when events are accepted again."""

    site: str
    acknowledged: str
    writes: str


def losses(found: Replication) -> list[Loss]:
    """Returns it for the primary and each standby."""
    ready = [one for one in found.standbys if one.confirms]
    return [_of_primary(found, ready), *(_of_standby(found, one, ready) for one in found.standbys)]


def _of_primary(found: Replication, ready: Sequence[Standby]) -> Loss:
    if not found.standbys:
        return Loss(PRIMARY, "what its disk holds comes back with it", "no event is accepted until it is back")
    if any(one.state is None for one in found.standbys):
        return Loss(PRIMARY, KEPT if found.waits else AT_RISK, "our role may not see whether a standby can follow it")
    if not ready:
        return Loss(PRIMARY, AT_RISK, "no standby that has everything can follow it: wait until it is back")
    kept = KEPT if found.waits else AT_RISK
    if found.needed and len(ready) - 1 < found.needed:
        return Loss(PRIMARY, kept, "a standby is promoted, and accepts nothing until a second one is there to confirm")
    return Loss(PRIMARY, kept, "events are accepted again when a standby is promoted (Patroni: its ttl and about 2 s)")


def _of_standby(found: Replication, lost: Standby, ready: Sequence[Standby]) -> Loss:
    left = sum(one is not lost for one in ready)
    if not found.waits or left >= found.needed:
        return Loss(lost.name, KEPT, "writes go on")
    return Loss(lost.name, KEPT, "no event is accepted until another standby is there to confirm")
