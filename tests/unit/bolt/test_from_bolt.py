"""Each block of Python in docs/from-bolt.md runs as it is written."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.bolt import listeners
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make

from tests.unit.bolt.conftest import AppWith

PAGE = Path(__file__).parents[3] / "docs" / "from-bolt.md"
BLOCKS = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_every_block_of_python_names_its_file() -> None:
    """No block of Python on the page is left out here, because each begins with the name of its file."""
    assert len(BLOCKS) == PAGE.read_text().count("```python")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_a_block_runs(
    block: tuple[str, str], tmp_path: Path, app_with: AppWith, slack: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mention of the bot reaches the block's listener, and is done."""
    file, code = block
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-made-up")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-made-up")
    monkeypatch.delitem(sys.modules, name, raising=False)

    def register(bolt: Any) -> None:
        listeners.register(bolt, "main:__main__" if name == "main" else name)
        monkeypatch.delitem(sys.modules, name)

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert row is None or row.state == "done"
    assert slack.calls.by_method["chat.postMessage"] == 1
