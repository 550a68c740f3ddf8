"""A process whose event loop does not end by itself ends all the same."""

from __future__ import annotations

import subprocess
import sys

STUBBORN = """
import asyncio
from anchorbolt.lifecycle.leave import leave_within
from anchorbolt.telemetry import logs

logs.configure("INFO", as_json=True)

async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("it goes on", flush=True)

async def main():
    asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    leave_within(0.5)

asyncio.run(main())
"""


def test_a_task_that_does_not_end_with_its_cancellation_ends_with_the_process() -> None:
    """The log says that a task is what goes on, and the exit code is that of a drain."""
    ended = subprocess.run([sys.executable, "-c", STUBBORN], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "it goes on\n")
    assert "a task goes on after the drain although it was cancelled" in ended.stderr
