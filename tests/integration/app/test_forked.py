"""The processes of the app that the tests fork are what a start makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.app.conftest import StartApp
from tests.support.app_process import AppProcess, free_ports


async def test_a_fork_is_given_what_a_new_process_is(
    start_app: StartApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder, environment, arguments, session, open files, threads and signals are the same in an app that is forked
    and in one that is started."""
    port, internal_port = free_ports()
    same = {"PORT": port, "INTERNAL_PORT": internal_port, "DRAIN_SOCKET": tmp_path / "drain.sock"}

    async def given(*, forks: bool) -> dict[str, Any]:
        monkeypatch.setattr(AppProcess, "forks", forks)
        app = start_app(LISTENERS="tests.integration.app.process_listeners", **same)
        await app.until_ready()
        found: dict[str, Any] = json.loads((tmp_path / f"given-{app.pid}.json").read_text())
        app.kill()
        return found

    forked, started = await given(forks=True), await given(forks=False)
    assert forked == started
    assert forked["leads its session"]
