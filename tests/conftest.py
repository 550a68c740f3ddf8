"""What holds for every test: the garbage collector of its process, and an environment of its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

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


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """What a test puts into the environment ends with it: an app that it makes puts `.env` and Slack's tokens there."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
