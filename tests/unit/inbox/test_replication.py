"""What the replication promises, where it can lose something, and what the loss of each site would cost."""

from __future__ import annotations

import pytest
from anchorbolt.inbox.replication import Replication, Standby
from anchorbolt.inbox.site_loss import AT_RISK, KEPT, PRIMARY, losses


def standby(name: str, sync: str | None = "quorum", state: str | None = "streaming") -> Standby:
    """One that is not behind."""
    return Standby(name, "10.0.0.1", sync, state, 0, 0.0)


def of(names: str, *standbys: Standby, commit: str = "on", fsync: bool = True) -> Replication:
    """A primary with these settings and standbys."""
    return Replication(names, commit, fsync, standbys)


THREE_SITES = of("ANY 1 (r2,r3)", standby("r2"), standby("r3"))


@pytest.mark.parametrize(
    ("names", "needed"),
    [("", 0), ("ANY 1 (r2,r3)", 1), ("any 2 (*)", 2), ("FIRST 2 (a, b, c)", 2), ("2 (a,b)", 2), ("*", 1), ("r2,r3", 1)],
)
def test_how_many_must_confirm(names: str, needed: int) -> None:
    """Each form of synchronous_standby_names says how many standbys a commit waits for."""
    assert of(names).needed == needed


def test_three_sites_in_quorum_promise_all() -> None:
    """A primary and two standbys of which one must confirm: nothing to warn of, and no single loss stops it."""
    assert THREE_SITES.warnings() == []
    assert "is on 1 of the standbys too" in THREE_SITES.promise()
    assert {loss.acknowledged for loss in losses(THREE_SITES)} == {KEPT}
    primary, *others = losses(THREE_SITES)
    assert primary.writes.startswith("events are accepted again when a standby is promoted")
    assert [loss.writes for loss in others] == ["writes go on", "writes go on"]
    assert [loss.site for loss in (primary, *others)] == [PRIMARY, "r2", "r3"]


@pytest.mark.parametrize(
    ("found", "warning"),
    [
        (of("", standby("r2", "async")), "synchronous_standby_names is empty"),
        (of("ANY 1 (r2,r3)", standby("r2"), standby("r3"), commit="local"), "synchronous_commit is local"),
        (of("ANY 1 (r2,r3)", standby("r2"), standby("r3"), commit="off"), "synchronous_commit is off"),
        (of("ANY 1 (r2,r3)", standby("r2"), standby("r3"), commit="remote_write"), "is remote_write"),
        (of("", commit="off"), "synchronous_commit is off"),
        (of("", fsync=False), "fsync is off"),
        (of("ANY 1 (r2,r3)", standby("r2")), "if one more is lost, no event is accepted"),
        (of("ANY 1 (r2,r3)"), "no event is accepted now"),
        (of("ANY 1 (r2,r3)", standby("r2", state="catchup")), "no event is accepted now"),
    ],
)
def test_what_can_lose_something_is_warned_of(found: Replication, warning: str) -> None:
    """Each setting that lets a failover or a crash lose what was acknowledged is named, and so is a missing quorum."""
    assert warning in " ".join(found.warnings())


def test_a_single_server_is_no_mistake() -> None:
    """A database without standbys, as most begin, has its promise told and nothing to warn of."""
    assert of("").warnings() == []
    assert "no standby" in of("").promise()
    (primary,) = losses(of(""))
    assert (primary.site, primary.writes) == (PRIMARY, "no event is accepted until it is back")


def test_a_standby_that_is_behind_cannot_be_promoted() -> None:
    """Where none has everything, nothing is accepted until the primary is back."""
    (primary, other) = losses(of("ANY 1 (r2)", standby("r2", state="catchup")))
    assert (primary.acknowledged, primary.writes.split(":")[0]) == (
        AT_RISK,
        "no standby that has everything can follow it",
    )
    assert other.writes == "no event is accepted until another standby is there to confirm"


def test_what_a_role_may_not_see_is_not_guessed() -> None:
    """Without pg_monitor the state of standbys is hidden: no number is made up, the promise is by the settings."""
    hidden = of("ANY 1 (r2,r3)", standby("r2", None, None), standby("r3", None, None))
    assert hidden.confirming is None
    assert hidden.warnings() == []
    assert losses(hidden)[0].acknowledged == KEPT


def test_two_sites_and_a_witness_stand_still_after_a_loss() -> None:
    """One standby only: a loss of either loses nothing, and nothing is accepted until a second one is back."""
    two = of("ANY 1 (r2)", standby("r2"))
    assert [loss.acknowledged for loss in losses(two)] == [KEPT, KEPT]
    assert all("until" in loss.writes for loss in losses(two))


def test_asynchronous_standbys_can_lose_what_was_acknowledged() -> None:
    """A primary that waits for nobody: its loss costs what the standbys do not have yet, theirs nothing."""
    found = of("", standby("r2", "async"), standby("r3", "async"))
    assert [loss.acknowledged for loss in losses(found)] == [AT_RISK, KEPT, KEPT]
