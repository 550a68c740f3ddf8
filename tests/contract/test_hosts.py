"""DATABASE_URL may name several hosts: the one that can be written to is found, and messages name all of them."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.postgresql import PostgresqlDatabase, read
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.support.ports import free_port
from tests.support.postgresql import PostgreSQL
from tests.support.standby import Standby
from tests.support.waiting import until, until_answer


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Whoever connects to it is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def port_of(database: PostgresqlDatabase) -> int:
    """The server that it is connected to."""
    try:
        await database.open()
        return int(await database.transact(lambda connection: connection.execute(text("SHOW port")).scalar_one()))
    finally:
        await database.close()


def url_of(server: PostgreSQL, *ports: int, query: str = "sslmode=prefer") -> str:
    """A new database of the server, on these ports."""
    name = make_url(server.new_database()).database
    return f"postgresql://test@{','.join(f'127.0.0.1:{port}' for port in ports)}/{name}?{query}"


async def test_the_usual_url(shared_postgres: PostgreSQL) -> None:
    """`?sslmode=prefer`, with what else is usual, reaches a server without TLS."""
    query = "sslmode=prefer&connect_timeout=10&application_name=mine&options=-c%20geqo%3Doff&keepalives=1"
    database = PostgresqlDatabase(read(url_of(shared_postgres, shared_postgres.port, query=query)))
    await database.open()
    asked = text("SELECT current_setting('application_name') || ' ' || current_setting('geqo')")
    said = await database.transact(lambda connection: connection.execute(asked).scalar_one())
    await database.close()
    assert said == "mine off"


async def test_a_host_that_is_down_is_passed_over(shared_postgres: PostgreSQL) -> None:
    """Where the first refuses connections, the second is used."""
    assert (
        await port_of(PostgresqlDatabase(read(url_of(shared_postgres, free_port(), shared_postgres.port))))
        == shared_postgres.port
    )


async def test_a_silent_host_is_passed_over(shared_postgres: PostgreSQL, silent_port: int) -> None:
    """Where the first says nothing, the second is reached at the first try all the same."""
    assert (
        await port_of(PostgresqlDatabase(read(url_of(shared_postgres, silent_port, shared_postgres.port))))
        == shared_postgres.port
    )


async def test_a_standby_is_passed_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of a standby that has the database and its primary, in this order, the primary is used."""
    primary = PostgreSQL(tmp_path_factory.mktemp("primary"))
    primary.start()
    standby = Standby(tmp_path_factory.mktemp("standby"), primary)
    standby.start()
    url = url_of(primary, standby.port, primary.port)
    name = url.partition("?")[0].rpartition("/")[2]
    # Without it the standby would be passed over because it knows no such database.
    has_it = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"
    await until(lambda: standby.query("postgres", has_it).strip() == "1", what="the standby has the database")

    async def reached() -> int | None:
        try:
            return await port_of(PostgresqlDatabase(read(url)))
        except StoreUnavailableError:  # on a busy machine a server that has just begun may answer too late for one try
            return None

    try:
        assert await until_answer(reached, what="one of them is reached") == primary.port
    finally:
        standby.stop()
        primary.stop(signal.SIGQUIT)


async def test_messages_name_the_hosts(shared_postgres: PostgreSQL) -> None:
    """Where none is there, the message names all of them, and no password."""
    ports = free_port(), free_port()
    database = PostgresqlDatabase(read(f"postgresql://test:planted@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/db"))
    with pytest.raises(StoreUnavailableError) as caught:
        await database.open()
    await database.close()
    assert f"127.0.0.1:{ports[0]}, 127.0.0.1:{ports[1]}" in str(caught.value)
    assert "planted" not in str(caught.value)
