"""The master reads its few settings as `settings.load` reads all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt import settings
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings import of_master
from anchorbolt.settings.choices import LogFormat, Role


@pytest.fixture(autouse=True)
def mounted(bare: Path) -> Path:
    """The folder of mounted settings, which is empty."""
    bare.mkdir()
    return bare


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ROLE": "receiver", "RECEIVER": "socket"},
        {"ROLE": "worker", "HOST": "::1", "PORT": "80", "INTERNAL_PORT": "81"},
        {"ACK_DEADLINE_SECONDS": "0.5", "DRAIN_TIMEOUT_SECONDS": "0", "LOG_LEVEL": "debug", "LOG_FORMAT": "console"},
        {"PORT": "", "LOG_FORMAT": ""},
        {"port": "4000", "Internal_Port": "4001"},
        {"PORT": " 4000 ", "INTERNAL_PORT": "4001.0"},
        {"DRAIN_TIMEOUT_SECONDS": "1e2", "LOG_LEVEL": "Warning"},
    ],
)
def test_what_is_right_is_read_alike(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, names in any case, empty values and unusual numbers mean the same to the master and to its worker."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert of_master.read() == settings.load().of_master


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLE", "boss"),
        ("RECEIVER", "pigeon"),
        ("PORT", "abc"),
        ("PORT", "0"),
        ("INTERNAL_PORT", "65536"),
        ("INTERNAL_PORT", "3000"),
        ("ACK_DEADLINE_SECONDS", "-1"),
        ("DRAIN_TIMEOUT_SECONDS", "soon"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_what_is_wrong_is_refused_alike(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that the master cannot use ends the start with all that is wrong, of others' settings too."""
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAX_IN_FLIGHT", "many")
    with pytest.raises(InvalidSettingsError) as by_the_worker:
        settings.load()
    with pytest.raises(InvalidSettingsError) as by_the_master:
        of_master.read()
    assert by_the_master.value.problems == by_the_worker.value.problems


def test_the_environment_comes_before_the_file_and_the_file_before_what_is_mounted(
    monkeypatch: pytest.MonkeyPatch, mounted: Path
) -> None:
    """Of several values the one that counts for the worker counts for the master."""
    for name, value in {"ROLE": "worker\n", "PORT": "4000", "log_format": "json", "LOG_LEVEL": "ERROR"}.items():
        (mounted / name).write_text(value)
    Path(".env").write_text("PORT=5000\nINTERNAL_PORT=5001\nLOG_LEVEL=DEBUG\nexport HOST='127.0.0.1'\n")
    monkeypatch.setenv("INTERNAL_PORT", "6001")
    monkeypatch.setenv("LOG_LEVEL", "")
    found = of_master.read()
    assert found == settings.load().of_master
    assert (found.role, found.port, found.internal_port) == (Role.WORKER, 5000, 6001)
    assert (found.log_format, found.log_level, found.host) == (LogFormat.JSON, "DEBUG", "127.0.0.1")


def test_what_the_master_does_not_read_is_left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong values of other settings do not keep the master from its own: the worker says what is wrong with them."""
    monkeypatch.setenv("MAX_IN_FLIGHT", "many")
    assert of_master.read().port == 3000


def test_foreign_files_among_the_mounted_ones_are_not_read(mounted: Path) -> None:
    """The folder may hold what is no setting, such as a certificate in a binary form."""
    (mounted / "keystore.p12").write_bytes(b"\xff\xfe")
    (mounted / "PORT").write_text("4000")
    assert of_master.read() == settings.load().of_master
    assert of_master.read().port == 4000


@pytest.mark.parametrize("name", ["PORT", "LISTENERS", ".env"])
def test_a_file_that_is_no_text_is_a_wrong_setting(name: str, mounted: Path) -> None:
    """A setting in no UTF-8 ends the start with a message, and not one worker after another with a traceback."""
    (Path(name) if name == ".env" else mounted / name).write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(InvalidSettingsError, match="is no text in UTF-8"):
        settings.load()
    if name != "LISTENERS":  # which the master does not read
        with pytest.raises(InvalidSettingsError, match="is no text in UTF-8"):
            of_master.read()


def test_a_wrong_setting_of_the_master_comes_with_what_may_be_misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for all other settings, names that are close to a setting are told with what is wrong."""
    monkeypatch.setenv("LOG_FORMAT", "xml")
    monkeypatch.setenv("SLACK_SIGNIN_SECRET", "1")
    with pytest.raises(InvalidSettingsError) as caught:
        of_master.read()
    assert any("did you mean SLACK_SIGNING_SECRET" in problem for problem in caught.value.problems)
