"""Which folders `dev` watches."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from anchorbolt.cli.dev.folders import is_theirs, team_folders


@pytest.mark.parametrize("name", [".venv/lib/x.py", "venv/x.py", "var/x.py", ".git/x.py", "a/node_modules/x.py"])
def test_what_is_installed_or_written_is_not_the_team_s(tmp_path: Path, name: str) -> None:
    """Environments, hidden folders and what the app writes are not watched, though they are below the folder."""
    assert not is_theirs(tmp_path / name, tmp_path)


def test_what_is_below_the_working_directory_is_the_team_s(tmp_path: Path) -> None:
    """A module in any other folder is watched, and none outside of the working directory."""
    assert is_theirs(tmp_path / "listeners" / "events" / "x.py", tmp_path)
    assert not is_theirs(tmp_path.parent / "x.py", tmp_path)


def test_the_file_that_cannot_be_imported_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A syntax error in a package that was never imported before has its folder watched, so that mending it is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "dev_folders_app.py").write_text("from dev_folders_package.broken import x\n")
    (tmp_path / "dev_folders_package").mkdir()
    (tmp_path / "dev_folders_package" / "broken.py").write_text("def\n")
    with pytest.raises(SyntaxError) as caught:
        import_module("dev_folders_app")
    found = team_folders("dev_folders_app", caught.value)
    assert set(found) == {str(tmp_path), str(tmp_path / "dev_folders_package")}
