"""Replaces the process that serves whenever a file of the app was saved."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import httpx

from anchorbolt.cli.dev.child import Child
from anchorbolt.cli.dev.news import News
from anchorbolt.cli.dev.processes import Processes
from anchorbolt.cli.dev.watch import saved


class Reloads:
    """Watches the files that the app was loaded from.

    The next process loads the app while the one before it serves. Only if that went well is the one before drained. Its
    sockets stay open, so requests wait for the short time between the two.
    """

    def __init__(self, processes: Processes, news: News, readyz_url: str, http: httpx.AsyncClient) -> None:
        self._processes = processes
        self._news = news
        self._readyz_url = readyz_url
        self._http = http

    @property
    def possible(self) -> bool:
        """Whether the package that watches files is installed."""
        return find_spec("watchfiles") is not None

    async def run(self, folders: Iterable[str], since: float) -> None:
        """Runs until it is cancelled.

        Args:
            folders: those that the app was loaded from.
            since: when it was loaded, in seconds of the epoch.
        """
        if not self.possible:
            await asyncio.Event().wait()
        known = set(folders)
        saving = asyncio.create_task(saved(known, since))
        try:
            while True:
                await self._processes.keep_a_spare()
                changed = await saving
                began, since = time.monotonic(), time.time()
                self._news.misspelt()
                child = await self._processes.load()
                loading = asyncio.create_task(child.report())
                saving = asyncio.create_task(saved(known, since))
                await asyncio.wait([loading, saving], return_when=asyncio.FIRST_COMPLETED)
                if not loading.done():  # something else was saved meanwhile
                    loading.cancel()
                    await self._drop(child)
                    continue
                report = loading.result()
                if report.loaded:
                    await self._processes.replace_by(child)
                    await child.wait_until_ready(self._readyz_url, self._http)
                    self._news.say(f"Restarted in {time.monotonic() - began:.1f} s: {_names(changed)}", "green")
                    now = set(report.folders)
                else:
                    await self._processes.forget(child)
                    self._news.say(f"Not restarted after {_names(changed)}: the previous app goes on serving.", "red")
                    now = known | set(report.folders)
                if now != known:
                    known = now
                    saving.cancel()
                    saving = asyncio.create_task(saved(known, since))
        finally:
            saving.cancel()

    async def _drop(self, child: Child) -> None:
        child.kill()
        await self._processes.forget(child)


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(sorted(os.path.relpath(path) for path in paths))
