"""The busiest workspaces of the last hour are known, in bounded memory and without a name outside."""

from __future__ import annotations

from anchorbolt.telemetry.workspaces import HOUR_SECONDS, MOST_WORKSPACES, SHOWN, SLICES, Workspaces


class Clock:
    """Goes on when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_the_busiest_come_first_and_have_no_name() -> None:
    """By rank, padded with 0, so that a rank never vanishes; a payload without a team counts for nobody."""
    workspaces = Workspaces(Clock())
    for team, events in (("T1", 2), ("T2", 5), ("T3", 1)):
        for _ in range(events):
            workspaces.count(team)
    workspaces.count(None)
    assert list(workspaces.by_rank().items()) == [
        (("1",), 5.0),
        (("2",), 2.0),
        (("3",), 1.0),
        (("4",), 0.0),
        (("5",), 0.0),
    ]
    assert len(workspaces.by_rank()) == SHOWN


def test_an_hour_is_over_after_an_hour() -> None:
    """Events count for an hour, by its twelfths, and then no longer."""
    clock = Clock()
    workspaces = Workspaces(clock)
    workspaces.count("T1")
    for _ in range(SLICES):
        clock.now += HOUR_SECONDS / SLICES
        workspaces.turn()
        assert workspaces.busiest() == [("T1", 1)]
    clock.now += HOUR_SECONDS / SLICES
    workspaces.turn()
    assert workspaces.busiest() == []


def test_no_number_of_workspaces_grows_the_process() -> None:
    """In each twelfth of the hour only so many workspaces are told apart, and those stay exact."""
    workspaces = Workspaces(Clock())
    for number in range(MOST_WORKSPACES + 500):
        workspaces.count(f"T{number}")
    workspaces.count("T0")
    assert len(workspaces.busiest(10_000)) == MOST_WORKSPACES
    assert workspaces.busiest(1) == [("T0", 2)]
