"""docs/tutorial.md, played from its first listener to its last line, in a folder that was empty."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from tests.integration.dev.running import dev
from tests.support.app_process import ROOT, AppProcess
from tests.support.waiting import WITHIN_SECONDS

BLOCK = re.compile(r"^```(python|sh|text|log)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def plain(line: str) -> str:
    """A line without what differs from run to run: ids, numbers and the width of columns."""
    line = re.sub(r"\bEv\w+", "EVENT", line)
    return " ".join(re.sub(r"\d[\d.:]*", "N", line).split())


def shown_as(documented: str) -> Callable[[str], bool]:
    """Whether a line is the documented one, in which `...` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in plain(documented).split("..."))
    return lambda line: re.fullmatch(pattern, plain(line)) is not None


async def run(folder: Path, port: int, call: str) -> list[str]:
    """Runs `anchorbolt ...` as in a second terminal; returns what it printed."""
    program, *arguments = shlex.split(call)
    assert program == "anchorbolt"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "anchorbolt",
        *arguments,
        cwd=folder,
        env={
            **AppProcess.bare_environment(),
            "PORT": str(port),
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/inbox.db",  # as in `dev` of running.py
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WITHIN_SECONDS):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode().splitlines()


async def test_the_tutorial_goes_as_it_is_written(tmp_path: Path) -> None:
    """Each file, command and output of the tutorial, in its order, is what a reader gets."""
    (_, listener), (_, start), *rest = BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text())
    (tmp_path / "app.py").write_text(listener)
    setting, program, command, *options = start.split()
    assert (program, command) == ("anchorbolt", "dev")
    name, _, value = setting.partition("=")
    printed: list[str] = []
    async with dev(tmp_path, *options, **{name: value}) as running:
        for language, text in rest:
            lines = text.splitlines()
            if language == "python":
                (tmp_path / "app.py").write_text(text)
            elif language == "sh":
                printed = await run(tmp_path, running.port, text)
            elif language == "text":
                for line in lines:
                    assert any(map(shown_as(line), printed)), f"{line}\nis not in\n" + "\n".join(printed)
            else:
                if text.startswith("Draining"):
                    running.interrupt_group()
                for line in lines:
                    await running.line(shown_as(line))
        assert await running.end() == 0, running.text
