"""The settings, docs/settings.md and .env.example say the same: names, units, defaults, and what each is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from anchorbolt import settings
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle import start
from anchorbolt.settings.model import Settings
from pydantic import SecretStr

ROOT = Path(__file__).parents[2]
NEEDED = "needed to serve"
NONE = "none"
# Read before the settings are, to find them: from the environment alone.
ENVIRONMENT_ONLY = {"SECRETS_DIRECTORY"}
# A name that ends so has this unit; every other number says its unit in the docs.
UNITS = {"_SECONDS": "seconds", "_HOURS": "hours", "_DAYS": "days", "_BYTES": "bytes"}
UNITLESS = {"PORT", "INTERNAL_PORT"}

ROW = re.compile(r"\| `(?P<name>[A-Z_]+)` \| (?P<unit>\S+) \| (?P<default>.+?) \| (?P<purpose>.+) \|")
LINE = re.compile(r"(?P<commented># )?(?P<name>[A-Z_]+)=(?P<value>.*)")


@dataclass(frozen=True)
class Documented:
    """One setting as a page tells it."""

    unit: str
    default: str
    purpose: str


def from_docs() -> dict[str, Documented]:
    """The rows of the first table of docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text().split("\n## ", maxsplit=1)[0]
    rows = [ROW.fullmatch(line) for line in text.splitlines() if line.startswith("| `")]
    assert all(rows), "each row of the table has name, unit, default and purpose"
    found = [row for row in rows if row is not None]
    assert len({row["name"] for row in found}) == len(found), "a setting is there twice"
    return {row["name"]: Documented(row["unit"], row["default"].strip("`"), row["purpose"]) for row in found}


def from_example() -> dict[str, Documented]:
    """The settings of .env.example: a comment, then the line."""
    found: dict[str, Documented] = {}
    for block in (ROOT / ".env.example").read_text().strip().split("\n\n")[1:]:
        comment, line = block.splitlines()
        match = LINE.fullmatch(line)
        assert match, f"{line!r} is no setting"
        assert match["name"] not in found, f"{match['name']} is there twice"
        purpose, _, unit = comment.removeprefix("# ").partition(" Unit: ")
        if not match["commented"]:
            default = NEEDED if not match["value"] else match["value"]
        else:
            default = match["value"] or NONE
        found[match["name"]] = Documented(unit.removesuffix(".") or "-", default, purpose)
    return found


def from_code() -> dict[str, str]:
    """The default of each field, as a page writes it."""
    with pytest.raises(InvalidSettingsError) as caught:
        start.require_needed(Settings.model_construct())
    needed = {problem.split(":")[0] for problem in caught.value.problems}
    return {
        name.upper(): NEEDED if name.upper() in needed else written(field.default)
        for name, field in Settings.model_fields.items()
    }


def written(default: Any) -> str:
    """A default as one types it."""
    match default:
        case None:
            return NONE
        case SecretStr():
            return default.get_secret_value()
        case StrEnum():
            return default.value
        case bool():
            return str(default).lower()
        case _:
            return str(default)


def test_the_docs_name_every_setting_and_no_other() -> None:
    """A setting that is added, renamed or removed is so in docs/settings.md too."""
    assert set(from_docs()) == set(from_code()) | ENVIRONMENT_ONLY


def test_the_example_names_every_setting_and_no_other() -> None:
    """A setting that is added, renamed or removed is so in .env.example too."""
    assert set(from_example()) == set(from_code())


def test_the_defaults_are_those_of_the_code() -> None:
    """The defaults that docs/settings.md and .env.example tell are those that the app takes."""
    code = from_code()

    assert {name: told.default for name, told in from_docs().items() if name in code} == code
    assert {name: told.default for name, told in from_example().items()} == code


def test_the_folder_of_mounted_settings_is_the_one_that_is_told() -> None:
    """The default folder of mounted files is the one that docs/settings.md names."""
    assert from_docs()["SECRETS_DIRECTORY"].default == settings.DEFAULT_SECRETS_DIRECTORY


def test_docs_and_example_say_the_same() -> None:
    """What a setting is for, and its unit, is one sentence in both places."""
    docs = from_docs()

    assert from_example() == {name: docs[name] for name in from_code()}


def test_every_number_has_a_unit() -> None:
    """A number's unit is told; where its name ends in a unit, it is that one; what is no number has none."""
    for name, told in from_docs().items():
        ending = next((unit for end, unit in UNITS.items() if name.endswith(end)), None)
        default = Settings.model_fields[name.lower()].default if name in from_code() else None
        is_number = isinstance(default, int | float) and not isinstance(default, bool)
        if ending is not None:
            assert told.unit == ending, name
        elif is_number and name not in UNITLESS:
            assert told.unit.isalpha(), f"{name} has no unit"
        else:
            assert told.unit == "-", name


def test_a_copied_example_is_a_good_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who copies .env.example to .env, and takes every comment off its defaults, gets the defaults."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SECRETS_DIRECTORY", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    plain = settings.load()
    example = (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", example, flags=re.MULTILINE))

    assert settings.load() == plain
