"""The account of the cluster's tests finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.cluster.load import Sent
from tests.cluster.traffic import Account, Line, nothing_noticed


def sent(name: str, status: int = 200, seconds: float = 0.01) -> Sent:
    """One request with one answer."""
    return Sent(name, "event", f"lane-{name}", "C1", 0.0, [status], [seconds])


def line(phase: str, name: str, at: float, *, lane: str = "", pod: str = "anchorbolt-0", channel: str = "C1") -> Line:
    """What a listener told."""
    return Line(phase, name, lane or f"lane-{name}", channel, 1, pod, at, at)


GOOD = [line("start", "a", 1), line("end", "a", 2)]


def test_a_good_run_is_noticed_by_nobody() -> None:
    """One request that was answered, began once and ended once breaks no promise."""
    nothing_noticed(Account([sent("a")], GOOD))


@pytest.mark.parametrize(
    ("requests", "told"),
    [
        ([sent("a", 503)], GOOD),
        ([sent("a", 0)], GOOD),
        ([sent("a", 200, 3.2)], GOOD),
        ([sent("a")], []),
        ([sent("a")], [line("start", "a", 1)]),
        ([sent("a")], [line("start", "a", 1), *GOOD]),
        (
            [sent("a"), sent("b")],
            [
                line(*told, lane="l")
                for told in (("start", "a", 1), ("start", "b", 2), ("end", "a", 3), ("end", "b", 4))
            ],
        ),
    ],
    ids=["refused", "no answer", "too late", "never began", "never ended", "began twice", "two of a lane at once"],
)
def test_every_broken_promise_is_found(requests: list[Sent], told: list[Line]) -> None:
    """A failed or late answer, a lost delivery, a doubled run and two runs of one lane at once are each found."""
    with pytest.raises(AssertionError):
        nothing_noticed(Account(requests, told))


def test_a_run_that_was_cut_short_may_begin_again() -> None:
    """A run without an end that begins again counts as run twice, not as finished twice or out of order."""
    told = [line("start", "a", 1), line("start", "a", 2, pod="anchorbolt-1"), line("end", "a", 3, pod="anchorbolt-1")]
    account = Account([sent("a")], told)
    assert (account.run_twice(), account.finished_twice(), account.two_at_once()) == ({"a": 2}, {}, [])
    assert account.lost() == []


def test_what_ended_twice_is_found() -> None:
    """Two ends of one delivery are found whatever pods told them."""
    account = Account([sent("a")], [*GOOD, line("end", "a", 3, pod="anchorbolt-1")])
    assert account.finished_twice() == {"a": 2}


def test_where_a_conversation_lives_is_told_by_the_names_of_its_pods() -> None:
    """A conversation that left its pod and came back moved twice and is at home again."""
    told = [line("start", name, at, pod=pod) for name, at, pod in (("a", 1, "x"), ("b", 2, "y"), ("c", 3, "x"))]
    account = Account([sent("a"), sent("b"), sent("c")], told)
    assert (account.moves(), account.at_home(1.5, 2.5)) == (2.0, 1.0)
    assert account.at_home(2.5, 2.6) == 0.0
