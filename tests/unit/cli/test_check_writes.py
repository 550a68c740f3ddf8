"""`check` finds what can be read and not written to, and `migrate` says which revision is needed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from anchorbolt.inbox.tables import REVISION
from sqlalchemy.engine import make_url

from tests.support.postgresql import PostgreSQL
from tests.support.standby import Standby
from tests.unit.cli.test_looking import look

# Mounts within namespaces of its own: they go with the process, and no root is needed.
NAMESPACE = ("unshare", "--map-root-user", "--mount")


def in_a_small_disk(disk: Path, then: str) -> subprocess.CompletedProcess[str]:
    """Makes an inbox on a disk of 1 MiB, does something to the disk, and checks."""
    disk.mkdir()
    anchorbolt = f"{sys.executable} -m anchorbolt"
    script = f"mount -t tmpfs -o size=1m none {disk} && {anchorbolt} migrate && {then}; exec {anchorbolt} check"
    probe = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True)
    if probe.returncode:
        pytest.skip("NO NAMESPACES: this machine lets nobody mount a small file system, a full disk was not tried")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "SLACK_SIGNING_SECRET": "x",
        "SLACK_BOT_TOKEN": "xoxb-x",
        "LISTENERS": "anchorbolt_sample",
        "DATABASE_URL": f"sqlite:///{disk}/inbox.db",
    }
    return subprocess.run(
        [*NAMESPACE, "sh", "-c", script],
        cwd=disk.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture(scope="module")
def primary(installed_postgres: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL for these tests."""
    server = PostgreSQL(tmp_path_factory.mktemp("primary"))
    server.start()
    yield server
    server.stop(signal.SIGQUIT)


def test_a_full_disk(tmp_path: Path) -> None:
    """An inbox on a full disk is read as ever: `check` says that the disk is full, and ends with 1."""
    result = in_a_small_disk(tmp_path / "disk", f"dd if=/dev/zero of={tmp_path}/disk/filler bs=4k 2>/dev/null")
    assert "wrong: DATABASE_URL: " in result.stdout
    assert "the disk is full" in result.stdout
    assert result.returncode == 1


def test_a_read_only_disk(tmp_path: Path) -> None:
    """The same for a disk that is read-only."""
    result = in_a_small_disk(tmp_path / "disk", f"mount -o remount,ro {tmp_path}/disk")
    assert "is read-only" in result.stdout
    assert result.returncode == 1


def test_a_database_that_only_reads(primary: PostgreSQL, tmp_path: Path) -> None:
    """A PostgreSQL with default_transaction_read_only is named as one that cannot be written to."""
    url = primary.new_database()
    assert look(tmp_path, "migrate", DATABASE_URL=url).returncode == 0
    assert "written to" in look(tmp_path, "check", DATABASE_URL=url).stdout
    primary.query("postgres", f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on")
    result = look(tmp_path, "check", DATABASE_URL=url)
    assert "it cannot be written to: it is a standby, or default_transaction_read_only is on" in result.stdout
    assert result.returncode == 1


def test_a_standby(primary: PostgreSQL, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A standby has the schema and reads as ever; `check` says that it is one."""
    url = primary.new_database()
    assert look(tmp_path, "migrate", DATABASE_URL=url).returncode == 0
    standby = Standby(tmp_path_factory.mktemp("standby"), primary)
    standby.start()
    try:
        behind = make_url(url).set(port=standby.port).render_as_string()
        result = look(tmp_path, "check", DATABASE_URL=behind)
    finally:
        standby.stop()
        primary.query("postgres", "ALTER SYSTEM RESET synchronous_standby_names")
        primary.query("postgres", "SELECT pg_reload_conf()")
    assert "it is a standby" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(("compatible_from", "code"), [(1, 0), (REVISION + 7, 1)])
def test_migrate_says_what_the_schema_needs(tmp_path: Path, compatible_from: int, code: int) -> None:
    """A newer schema is named with its own revision; one that this version cannot live with is no success."""
    assert f"at revision {REVISION}, and this version needs {REVISION}" in look(tmp_path, "migrate").stdout
    newer = REVISION + 7
    with sqlite3.connect(tmp_path / "var" / "anchorbolt.db") as connection:
        connection.execute("UPDATE inbox SET revision = ?, compatible_from = ?", (newer, compatible_from))
    connection.close()
    result = look(tmp_path, "migrate")
    assert result.returncode == code
    assert f"at revision {newer}" in result.stdout + result.stderr
    assert f"needs {REVISION}" in result.stdout or f"needs an app that knows revision {newer}" in result.stderr
