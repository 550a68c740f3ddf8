"""Writes docs/commands.md from the command line: `python -m tests.support.command_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anchorbolt.cli import COMMANDS, load

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"

HEAD = """# Commands

Written by `python -m tests.support.command_page` from the command line; `--help` says the same. Every command
exits with 0 (done), 1 (failed) or 2 (a mistake in the call or in the settings).
"""


def page() -> str:
    """Returns the whole page, with a section for each command and subcommand."""
    return "\n".join([HEAD, *(part for name in COMMANDS for part in sections(name, load(name)))])


def sections(name: str, command: Any) -> Iterator[str]:
    """The section of a command, then those of its subcommands. `command` is click's."""
    depth = "#" * (2 + name.count(" "))
    yield f"{depth} anchorbolt {name}\n\n{(command.help or '').strip()}\n"
    subcommands = getattr(command, "commands", {})
    if not subcommands and (rows := [row(parameter) for parameter in command.params]):
        yield "\n".join(["| argument or option | what it is |", "|---|---|", *rows]) + "\n"
    for sub, subcommand in subcommands.items():
        yield from sections(f"{name} {sub}", subcommand)


def row(parameter: Any) -> str:
    """The row of an argument or an option: its names, its help, and its default where that says something."""
    option = parameter.param_type_name == "option"
    names = (
        ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        if option
        else f"`{parameter.metavar or parameter.name.upper()}`"
    )
    text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    tells = option and not parameter.is_flag and parameter.default not in (None, (), [], "")
    return f"| {names} | {text}{f' Default: `{parameter.default}`.' if tells else ''} |"


if __name__ == "__main__":
    PAGE.write_text(page())
