"""What tests of memory share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Without the collector, which runs seldom in production, what stays is part of a circle of references."""
    gc.disable()
    yield
    gc.enable()
