"""The ports that tests and benches take do not collide."""

from __future__ import annotations

import os
import socket
from contextlib import closing

from tests.support.ports import END, FIRST, PORTS_A_RANGE, Range, free_port


def test_two_suites_beside_each_other_share_no_port() -> None:
    """Whoever would have the same range gets another one, out of what clients are given."""
    with closing(Range(7)) as one, closing(Range(7)) as other:
        assert len({*one.ports, *other.ports}) == 2 * PORTS_A_RANGE
        assert all(FIRST <= port < END for port in (*one.ports, *other.ports))


def test_a_port_is_not_given_twice_in_a_row() -> None:
    """What was given a moment ago, and is not listened on yet, is not given again."""
    assert len({free_port() for _ in range(PORTS_A_RANGE // 2)}) == PORTS_A_RANGE // 2


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    """Also where it is somebody's who asked nobody."""
    with closing(Range(os.getpid())) as before:
        taken = before.free("127.0.0.1")  # not simply the first: that may be listened on already
    with closing(Range(os.getpid())) as mine, socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        assert mine.free("127.0.0.1") != taken
