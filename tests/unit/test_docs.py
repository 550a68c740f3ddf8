"""What the pages tell is there: commands with their options, targets of make, settings, and where links lead."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from anchorbolt.cli import COMMANDS, load
from anchorbolt.settings.model import Settings

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "k8s", "ingress", "bench")
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md")),
    *sorted(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md") if "node_modules" not in page.parts),
]
# What a run has measured is a record of its day: its links lead somewhere, and its commands may be of that day.
CURRENT = [page for page in PAGES if "results" not in page.parts]

FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:\.venv/bin/)?anchorbolt(?P<arguments>(?: .*)?)")
MAKE = re.compile(r"make ([a-z][a-z-]*)")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAME = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w-])")
# Not settings: where to find them, what slack_sdk reads, and what is the code's or the model's.
NO_SETTINGS = {
    "DJANGO_CONFIGURATION",  # of django-configurations
    "DJANGO_SETTINGS_MODULE",  # Django's own variable
    "SECRETS_DIRECTORY",
    "HTTPS_PROXY",
    "IMPORT_FROM",  # an argument of `workspaces import`
    "EMULATOR_PORT",  # a variable of the Makefile
    "PIP_CONSTRAINT",  # read by pip, in the image
    "PYTHON_IMAGE",  # an argument of the Dockerfile
    "PODS_DOMAIN",  # these three are read by the HAProxy of ingress/
    "REGION_DIRECTORY",
    "REGION_TLS_DIRECTORY",
    "BY_OWNER",
    "BY_ROW",
    "NO_CANCEL",
    "TAKE_AT_ONCE",
    "COUNT_TWICE",
    "GIVE_BACK_ALL",
    "URGENT_EVENTS",
    "URGENT_SLOTS",
}


def code(page: Path) -> list[str]:
    """The lines of its code blocks, and its inline code."""
    text = page.read_text()
    blocks = FENCED.findall(text)
    return [*(line for block in blocks for line in block.splitlines()), *INLINE.findall(FENCED.sub("", text))]


def matches(pattern: re.Pattern[str]) -> list[Any]:
    """Page and match, for all code in all pages that begins so."""
    return [
        pytest.param(match, id=f"{page.relative_to(ROOT)}: {match[0]}")
        for page in CURRENT
        for line in dict.fromkeys(code(page))
        if (match := pattern.fullmatch(line.strip()))
    ]


def parse(arguments: list[str]) -> None:
    """Reads a call as the command line does, without running it. Raises what the command line would say."""
    if not arguments:
        return
    name, *rest = arguments
    if name not in COMMANDS:
        raise typer.BadParameter(f"no command {name}")
    command = load(name)
    context = command.make_context(name, list(rest), resilient_parsing=not rest)
    if rest and hasattr(command, "commands"):
        name, command, rest = command.resolve_command(context, rest)
        command.make_context(name, list(rest), parent=context)


@pytest.mark.parametrize("match", matches(COMMAND))
def test_every_call_in_the_docs_can_be_made(match: re.Match[str]) -> None:
    """Each `anchorbolt ...` names a command that there is, with options that it knows."""
    arguments = match["arguments"].strip()
    parse(shlex.split(arguments))


@pytest.mark.parametrize("call", ["fly", "inbox fly", "inbox list --colour", "inbox show", "send --count none"])
def test_a_wrong_call_is_found(call: str) -> None:
    """A command, option or value that there is not, or an argument that lacks, does not pass as a call."""
    with pytest.raises(Exception, match=r".+") as caught:
        parse(call.split())

    assert hasattr(caught.value, "exit_code"), "what the command line itself would say"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("match", matches(MAKE))
def test_every_target_in_the_docs_is_in_the_makefile(match: re.Match[str]) -> None:
    """Each `make x` is a target."""
    assert re.search(rf"^{match[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_first_command_is_one() -> None:
    """A stranger gets it running with the first command that the README shows."""
    first = next(line for line in code(ROOT / "README.md") if COMMAND.fullmatch(line) or MAKE.fullmatch(line))

    assert first == "make run"


def links() -> Iterator[Any]:
    """Page and target of each link that leads into this repository."""
    for page in PAGES:
        for target in dict.fromkeys(LINK.findall(FENCED.sub("", page.read_text()))):
            if "://" not in target:
                yield pytest.param(page, target, id=f"{page.relative_to(ROOT)}: {target}")


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    """Each link between files leads to a file that there is, and to a heading that it has."""
    name, _, anchor = target.partition("#")
    there = (page.parent / name).resolve() if name else page

    assert there.exists()
    if anchor:
        assert anchor in {slug(heading) for heading in HEADING.findall(there.read_text())}


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_setting_in_the_docs_exists() -> None:
    """Each NAME_LIKE_THIS in the code of a page is a setting, or is known to be none."""
    known = {name.upper() for name in Settings.model_fields} | NO_SETTINGS
    told = {
        (str(page.relative_to(ROOT)), name) for page in CURRENT for line in code(page) for name in NAME.findall(line)
    }
    told = {(page, name) for page, name in told if not name.startswith("OTEL_")}  # OpenTelemetry's own

    assert {(page, name) for page, name in told if name not in known} == set()
    assert {name for _, name in told} > NO_SETTINGS


def test_every_decision_is_in_the_index() -> None:
    """The index of decisions lists each page once, by its number, with its title."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    rows = re.findall(r"\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|", index)
    pages = {page.name: page.read_text().splitlines()[0] for page in folder.glob("[0-9]*.md")}

    assert {name: f"# {number}: {title}" for number, name, title in rows} == pages
    assert [number for number, _, _ in rows] == sorted({name[:4] for name in pages})


def test_where_the_code_points_there_is_a_page() -> None:
    """Each docs/... that a comment or a message of the app names is there."""
    told = {
        name
        for file in (ROOT / "app").rglob("*.py")
        for name in re.findall(r"(?<![\w/.])docs/[\w/-]+(?:\.md)?", file.read_text())  # and not within a URL
    }
    missing = {name for name in told if not list(ROOT.glob(f"{name}*"))}

    assert told
    assert not missing, "a page that the code points to is missing"


def blocks(language: str) -> list[Any]:
    """Each block of a language in the pages."""
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}: {block.splitlines()[0]}")
        for page in PAGES
        for block in re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_every_block_of_yaml_can_be_read(block: str) -> None:
    """What a page shows as YAML is YAML."""
    assert list(yaml.safe_load_all(block))


@pytest.mark.parametrize("block", blocks("python"))
def test_every_block_of_python_can_be_read(block: str) -> None:
    """What a page shows as Python is Python."""
    compile(block, "a page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
