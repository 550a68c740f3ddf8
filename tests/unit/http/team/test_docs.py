"""The code of docs/routes.md runs."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from anchorbolt.http.application import Application
from anchorbolt.http.team import routes
from anchorbolt.http.team.application import TeamApplication, mount
from anchorbolt.http.team.life import TeamLife
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

PAGE = (Path(__file__).parents[4] / "docs" / "routes.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, flags=re.DOTALL))


class Ours:
    """Stands for the route of Slack's requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        await PlainTextResponse("ours")(scope, receive, send)


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's modules, where they can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in BLOCKS.items():
        (tmp_path / f"{name}.py").write_text(text)
    yield
    for name in BLOCKS:
        sys.modules.pop(name, None)


def test_every_block_is_one_that_is_run() -> None:
    """A block that is added to the page gets a test here."""
    assert set(BLOCKS) == {"web", "life", "jobs"}


async def test_an_application_with_a_lifespan() -> None:
    """A request sees what the lifespan made, and our own routes come first."""
    found = routes.load("web")
    team = TeamApplication(found.application)
    web = Application(Ours())
    mount(web, team, 1000)
    life = TeamLife(found, team)
    await life.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://here") as client:
        assert (await client.get("/health")).json() == {"session": True}
        assert (await client.post("/slack/events")).text == "ours"
        assert (await client.get("/slack/else")).json() == {"detail": "Not Found"}, "of the team's application"
        assert (await client.post("/health", content=b"x" * 1001)).status_code in {405, 413}
    await life.end(5)
    assert team.state["session"].closed


async def test_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    """Its task is cancelled when it has ended, and no task of anybody else's."""
    found = routes.load("life")
    life = TeamLife(found, None)
    other = asyncio.ensure_future(asyncio.sleep(3600))
    await life.start()
    module = importlib.import_module("life")
    assert await module.words.get() == "fresh"
    await life.end(5)
    assert module.task.cancelled()
    assert not other.done()
    other.cancel()
    assert capsys.readouterr().out == "ended\n"


def test_a_job() -> None:
    """The job posts by the client that it is given."""
    posted: list[dict[str, Any]] = []
    client = ModuleType("client")
    client.chat_postMessage = lambda **said: posted.append(said)  # type: ignore[attr-defined]
    importlib.import_module("jobs").remind(client)
    assert posted == [{"channel": "C0123456789", "text": "The stand-up begins."}]
