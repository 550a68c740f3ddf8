"""The emulator takes a free port, says when a port is taken, and ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.errors import PortTakenError


async def test_a_taken_port_is_named() -> None:
    """A second emulator on the same port is refused with the port and the option in the message."""
    async with Emulator() as first:
        port = httpx.URL(first.url).port
        assert port is not None
        with pytest.raises(PortTakenError, match=f"port {port} is taken.*--emulator-port"):
            await Emulator(port=port).start()


async def test_a_stopped_emulator_frees_its_port() -> None:
    """After stop, also with a client that kept its connection, the same port can be listened on again."""
    async with httpx.AsyncClient(verify=False) as client:
        async with Emulator() as first:
            assert (await client.get(first.url)).status_code == 200
        port = httpx.URL(first.url).port
        async with Emulator(port=port or 0) as second:
            assert (await client.get(second.url)).status_code == 200


def test_it_runs_as_a_process_and_ends_with_0() -> None:
    """`python -m anchorbolt.emulator` prints its URL and what an app sets, answers, and ends with 0 on SIGTERM."""
    # 1. It tells its URL once it listens.
    process = subprocess.Popen([sys.executable, "-m", "anchorbolt.emulator"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert process.stdout.readline().strip() == f"SLACK_API_URL={url}api/"
        # 2. It answers there.
        assert httpx.get(f"{url}calls").json()["count"] == 0
        # 3. It ends when asked.
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
