"""Which listeners an app of a given size has: a team's mix of kinds, each spread evenly over the registration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["event", "command"]


class Planned(NamedTuple):
    """One listener: `kind` as Bolt's decorator is called, `name` as its constraint."""

    kind: str
    name: str


# Of 20 listeners: 2 events, 4 commands, 10 actions, 3 views, 1 shortcut.
SHARES = {"event": 0.10, "command": 0.20, "action": 0.50, "view": 0.15, "shortcut": 0.05}

# Slack's own names: an app of 200 listens to all of them, an app of 20 to the first two.
EVENT_TYPES = (
    *("message", "app_mention", "reaction_added", "reaction_removed", "pin_added", "pin_removed", "star_added"),
    *("star_removed", "file_shared", "file_change", "link_shared", "member_joined_channel", "member_left_channel"),
    *("channel_archive", "channel_unarchive", "channel_deleted", "channel_left", "channel_history_changed"),
    *("message_metadata_posted", "app_home_opened"),
)


def plan(count: int, kind: Kind) -> list[Planned]:
    """The listeners of an app that has `count` of them; one alone is of the `kind` that the run sends."""
    if count == 1:
        return [Planned(kind, _name(kind, 0))]
    placed = []
    for share_kind, share in SHARES.items():
        of_kind = round(count * share)
        # (i + 0.5) / n: evenly over the whole list, so that a linear search passes half of it on average.
        placed += [((i + 0.5) / of_kind, Planned(share_kind, _name(share_kind, i))) for i in range(of_kind)]
    return [planned for _, planned in sorted(placed, key=lambda item: item[0])]


def targets(planned: Sequence[Planned], kind: Kind) -> list[str]:
    """The names that the load is spread over: every listener of the kind is asked equally often."""
    return [one.name for one in planned if one.kind == kind]


def _name(kind: str, i: int) -> str:
    if kind == "event":
        return EVENT_TYPES[i]
    return f"/bench-{i}" if kind == "command" else f"bench_{kind}_{i}"
