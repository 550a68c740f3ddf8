"""`region`: drains a region, lets it have traffic again, and says what is lost with what."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from anchorbolt.cli.inbox.options import who

from tests.support.postgresql import PostgreSQL
from tests.support.standby import Standby
from tests.unit.cli.test_looking import look


@pytest.fixture(scope="module")
def primary(installed_postgres: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL for these tests."""
    server = PostgreSQL(tmp_path_factory.mktemp("primary"), fsync=True)
    server.start()
    yield server
    server.stop(signal.SIGQUIT)


def test_a_region_is_drained_and_taken_back(tmp_path: Path) -> None:
    """`drain` and `undrain` say what they did and fail where there is nothing to do; `status` lists what is drained."""
    look(tmp_path, "migrate")
    assert "Drained: region eu" in look(tmp_path, "region", "drain", "eu", "--by", "anna").stdout
    again = look(tmp_path, "region", "drain", "eu")
    assert (again.returncode, "drained already" in again.stderr) == (1, True)
    assert "by anna; it gets no traffic" in look(tmp_path, "region", "status").stdout
    assert "takes traffic again" in look(tmp_path, "region", "undrain", REGION="eu").stdout
    again = look(tmp_path, "region", "undrain", "eu")
    assert (again.returncode, "is not drained" in again.stderr) == (1, True)
    assert "No region is drained." in look(tmp_path, "region", "status").stdout


def test_a_region_must_be_named(tmp_path: Path) -> None:
    """Without a name and without REGION the call is a mistake, and nothing is drained."""
    look(tmp_path, "migrate")
    assert look(tmp_path, "region", "drain").returncode == 2


def test_status_and_check_tell_of_the_replication(
    primary: PostgreSQL, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    1. A server alone: nothing to warn of.
    2. With a standby that each commit waits for. Result: both commands say so, and `status` what each loss costs.
    3. The same standby, and nobody waits for it. Result: both warn that a failover can lose something; all is well.
    """
    url = primary.new_database()
    look(tmp_path, "migrate", DATABASE_URL=url)
    assert "warning:" not in look(tmp_path, "check", DATABASE_URL=url).stdout
    standby = Standby(tmp_path_factory.mktemp("standby"), primary)
    standby.start()
    try:
        told = look(tmp_path, "check", DATABASE_URL=url).stdout
        assert "replication: what was acknowledged is on 1 of the standbys too" in told
        told = look(tmp_path, "region", "status", DATABASE_URL=url).stdout
        assert "loss of the primary: nothing acknowledged is lost" in told
        assert "loss of standby: nothing acknowledged is lost; no event is accepted until" in told
        status = json.loads(look(tmp_path, "region", "status", "--json", DATABASE_URL=url).stdout)
        assert [one["name"] for one in status["replication"]["standbys"]] == ["standby"]
        primary.query("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
        primary.query("postgres", "SELECT pg_reload_conf()")
        checked = look(tmp_path, "check", DATABASE_URL=url)
        assert "warning: synchronous_standby_names is empty" in checked.stdout
        assert checked.returncode == 0
        assert "acknowledged events can be lost" in look(tmp_path, "region", "status", DATABASE_URL=url).stdout
    finally:
        standby.stop()


def test_who_does_it_may_be_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod the user is a number that no file names: the command does its work, and says the number."""

    def nameless() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert who(None) == f"{os.getuid()}@{socket.gethostname()}"
    assert who("anna") == "anna"
