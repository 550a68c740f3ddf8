"""What is remembered of interactions is bounded, and what is forgotten is the oldest."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from anchorbolt.errors import RefusedError
from anchorbolt.intake import replays as module
from anchorbolt.intake.replays import REMEMBERED_SECONDS, Replays
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Answer:
    """An answer with a body of this size."""

    body: bytes
    status_code: int = 200


@dataclass
class Clock:
    """Seconds, as a test sets them."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


steps = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(0, 200)), max_size=80)


@given(steps)
def test_memory_is_bounded(taken: list[tuple[int, int, int]]) -> None:
    """Whatever comes, no more keys and bytes are kept than allowed, none too long, and the newest is always there."""
    clock = Clock()
    replays = Replays(clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_KEYS", 10)
        patch.setattr(module, "MOST_BYTES", 100)
        patch.setattr(module, "MOST_BYTES_EACH", 30)
        for number, size, seconds in taken:
            clock.now += seconds
            key = str(number)
            if replays.find(key) is None:
                replays.answered(key, replays.begin(key), Answer(b"x" * size))
                first = replays.find(key)
                assert first is not None
                assert (first.answer is not None) == (size <= 30)
            kept = replays._answers.values()
            assert len(replays) <= 10
            assert sum(first.size for first in kept) == replays._bytes <= 100
            assert all(first.answer is not None for first in kept)
            assert all(clock.now - first.at < REMEMBERED_SECONDS for first in replays._firsts.values())


async def test_a_refusal_is_kept_without_the_request() -> None:
    """A traceback holds every frame of its request, with the body: what is kept for five minutes has none."""
    replays = Replays()
    first = replays.begin("k")
    try:
        raise RefusedError(503, "listener_failed")
    except RefusedError as error:
        replays.refused(first, error)
    assert first.refusal is not None
    assert (first.refusal.status, first.refusal.word) == (503, "listener_failed")
    assert first.refusal.__traceback__ is None
