"""The garbage collector of the process that runs the tests."""

from __future__ import annotations

import gc
from collections.abc import Generator

import hypothesis  # noqa: F401  # so that it meets trio before trio's objects are hidden from the collector
import pytest
from anchorbolt.lifecycle import garbage_collection


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Lets it run as seldom as in production, and never look at the modules and the thousands of tests themselves.

    Otherwise much of the CPU of the tests that run in this process is spent in looking at all that was collected,
    again and again, to find it in use.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        garbage_collection.calm()
