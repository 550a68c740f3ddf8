"""DATABASE_URL names a PostgreSQL in libpq's form: hosts, login and parameters mean what they mean to psql."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.inbox import opening
from anchorbolt.inbox.postgresql import AddressError, PostgresqlDatabase, read
from anchorbolt.settings.model import Settings
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

TEXT = st.text(st.characters(exclude_characters="@", categories=["L", "N", "P", "S"]), min_size=1)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_each_usual_scheme(scheme: str) -> None:
    """A URL as other tools write it is taken; a driver that it names changes nothing."""
    settings = Settings(database_url=SecretStr(f"{scheme}://app:secret@db:5433/inbox"))
    assert isinstance(opening.database(settings, serves=False), PostgresqlDatabase)
    address = read(f"{scheme}://app:secret@db:5433/inbox")
    assert (address.hosts, address.user, address.password, address.database) == (
        (("db", 5433),),
        "app",
        "secret",
        "inbox",
    )


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://h1:5001,h2:5002/db", (("h1", 5001), ("h2", 5002))),
        ("postgresql://u:p@h1,h2/db", (("h1", None), ("h2", None))),
        ("postgresql://u:p@h1,h2:5002/db", (("h1", None), ("h2", 5002))),
        ("postgresql:///db?host=h1,h2&port=5001,5002", (("h1", 5001), ("h2", 5002))),
        ("postgresql:///db?host=h1,h2&port=5001", (("h1", 5001), ("h2", 5001))),
        ("postgresql://h0/db?host=h1", (("h1", None),)),
        ("postgresql://[::1]:5001,[fe80::1]/db", (("::1", 5001), ("fe80::1", None))),
        ("postgresql://%2Frun%2Fpostgresql/db", (("/run/postgresql", None),)),
        ("postgresql:///db?host=/run/postgresql&port=5001", (("/run/postgresql", 5001),)),
        ("postgresql:///db", ((None, None),)),
    ],
)
def test_hosts(url: str, hosts: tuple[tuple[str | None, int | None], ...]) -> None:
    """One host or several, in their place or as parameters, with a port for each, for all, or for none."""
    assert read(url).hosts == hosts


@given(user=TEXT, password=TEXT)
def test_a_login_of_any_signs_is_read_and_never_shown(user: str, password: str) -> None:
    """Written as %XX, any login means itself; neither the address nor its text shows the password."""
    address = read(f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@db/inbox?sslmode=prefer")
    assert (address.user, address.password) == (user, password)
    assert str(address) == "db:5432"
    assert "password" not in repr(address)


def test_a_password_may_hold_signs_as_they_are() -> None:
    """A slash, a question mark or a hash in a password need no %XX, as before."""
    assert read("postgresql://u:a/b?c#d:e@h/db").password == "a/b?c#d:e"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
def test_each_sslmode(mode: str) -> None:
    """libpq's six are passed on; `ssl`, asyncpg's own word, says the same."""
    assert read(f"postgresql://h/db?sslmode={mode}").tls == {"sslmode": mode}
    assert read(f"postgresql://h/db?ssl={mode}").tls == {"sslmode": mode}


def test_the_usual_parameters(tmp_path: Path) -> None:
    """What hosters put into their URLs is understood, each where it belongs."""
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    address = read(
        "postgresql://h/db?sslmode=verify-full"
        f"&sslrootcert={tmp_path}/ca&sslcert={tmp_path}/cert&sslkey={tmp_path}/key"
        "&connect_timeout=7&application_name=mine&options=-c%20search_path%3Dbolt&target_session_attrs=primary"
        "&keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=1000"
        "&channel_binding=prefer&gssencmode=prefer&fallback_application_name=x&client_encoding=utf8"
    )
    assert set(address.tls) == {"sslmode", "sslrootcert", "sslcert", "sslkey"}
    assert address.server_settings == {"application_name": "mine", "options": "-c search_path=bolt"}
    assert (address.session, address.connect_seconds) == ("primary", 7)


def test_of_several_hosts_the_one_that_can_be_written_to() -> None:
    """Unless the URL says otherwise; one host alone is taken as it is, so that its own error is told."""
    assert read("postgresql://h1,h2/db").session == "read-write"
    assert read("postgresql://h1,h2/db?target_session_attrs=any").session == "any"
    assert read("postgresql://h1/db").session == "any"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmod=prefer", "the parameter sslmod is not known"),
        ("sslmode=yes", "sslmode is one of disable, allow"),
        ("connect_timeout=soon", "connect_timeout is a number"),
        ("target_session_attrs=standby", "target_session_attrs is one of"),
        ("channel_binding=require", "channel_binding can only be disable or prefer"),
        ("sslrootcert=/nowhere/ca.pem", "the file that sslrootcert names cannot be read"),
        ("sslrootcert=system&sslmode=require", "sslrootcert=system needs sslmode=verify-full"),
        ("host=a,b&port=1,2,3", "2 hosts and 3 ports"),
        ("port=banana", "is no URL; look at its port"),
    ],
)
def test_what_cannot_be_kept_is_refused(query: str, said: str) -> None:
    """With a message that names the setting and the parameter, and never shows the password."""
    settings = Settings(database_url=SecretStr(f"postgresql://app:planted@db/inbox?{query}"))
    with pytest.raises(InvalidSettingsError, match=said) as caught:
        opening.database(settings)
    assert str(caught.value).startswith("DATABASE_URL: ")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u:p@a@h/db", "postgresql://h:x/db", "postgresql:/h", "mysql://h/db"])
def test_no_url(url: str) -> None:
    """What is no URL of a PostgreSQL is refused."""
    with pytest.raises(AddressError):
        read(url)


def test_hosts_are_named_without_secrets() -> None:
    """Messages name every host and its port."""
    assert str(read("postgresql://u:p@h1,h2:5002/db")) == "h1:5432, h2:5002"
    assert str(read("postgresql:///db?host=/run/postgresql")) == "the socket in /run/postgresql"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What asyncpg is asked to connect with, each time; it says yes."""
    connected: list[dict[str, Any]] = []

    async def connect(dsn: str | None = None, **arguments: Any) -> str:
        connected.append({"dsn": dsn, **arguments})
        return "a connection"

    monkeypatch.setattr(asyncpg, "connect", connect)
    return connected


async def test_a_connection_begins_with_what_the_url_says(connected: list[dict[str, Any]]) -> None:
    """Host, login, database and settings; and how it is encrypted, or a password would be sent for all to read."""
    address = read("postgresql://app:secret@db:5433/inbox?sslmode=require&application_name=mine")
    made = await address.connect(within_seconds=5, server_settings={"application_name": "ours", "jit": "off"}, more=1)
    assert made == "a connection"
    assert connected == [
        {
            "dsn": "postgresql://?sslmode=require",
            "host": "db",
            "port": 5433,
            "user": "app",
            "password": "secret",
            "database": "inbox",
            "timeout": 5,
            "server_settings": {"application_name": "mine", "jit": "off"},
            "target_session_attrs": "any",
            "more": 1,
        }
    ]


async def test_a_connection_begins_with_no_more_than_the_url_says(connected: list[dict[str, Any]]) -> None:
    """What the URL leaves out is for asyncpg to find, in the environment and the files of libpq."""
    await read("postgresql:///").connect(within_seconds=5)
    await read("postgresql://h1/?target_session_attrs=primary").connect(within_seconds=5)
    assert [one.pop("target_session_attrs") for one in connected] == ["any", "primary"]
    nothing = dict.fromkeys(("dsn", "port", "user", "password", "database", "server_settings"))
    assert connected == [{**nothing, "host": None, "timeout": 5}, {**nothing, "host": "h1", "timeout": 5}]


async def test_the_certificates_of_the_system(connected: list[dict[str, Any]]) -> None:
    """`sslrootcert=system` checks the server against them and its name, as in libpq; asyncpg would look for a file."""
    address = read("postgresql://h/db?sslrootcert=system")
    assert address.tls == {"sslrootcert": "system", "sslmode": "verify-full"}
    await address.connect(within_seconds=5)
    context = connected[0]["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(("query", "seconds"), [("", 5), ("?connect_timeout=2", 2), ("?connect_timeout=9", 5)])
async def test_the_shorter_time_counts(connected: list[dict[str, Any]], query: str, seconds: float) -> None:
    """A connection has the time that the URL gives it, or what we have left; `connect_timeout=0` gives no bound."""
    await read(f"postgresql://h/db{query}").connect(within_seconds=5)
    assert connected[0]["timeout"] == seconds
    assert read("postgresql://h/db?connect_timeout=0").connect_seconds is None


async def test_a_server_that_only_reads_is_a_failure_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncpg's error for it is none of its others: it is told as a connection that did not come about, by its host."""

    async def connect(*arguments: Any, **named: Any) -> None:
        raise asyncpg.TargetServerAttributeNotMatched("no")

    monkeypatch.setattr(asyncpg, "connect", connect)
    with pytest.raises(ConnectionError, match=r"^h:5433 cannot be written to$"):
        await read("postgresql://h:5433/db").connect(within_seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:secret@h/inbox",
        "postgresql://h/?user=app&password=secret&dbname=inbox",
        "postgresql://h/?user=app&password=secret&database=inbox",
        "postgresql://other:wrong@h/none?user=app&password=secret&dbname=inbox",
    ],
)
def test_a_login_in_its_place_or_as_parameters(url: str) -> None:
    """User, password and database may be parameters too, which win, as in libpq."""
    address = read(url)
    assert (address.user, address.password, address.database) == ("app", "secret", "inbox")


def test_what_is_left_out_or_empty_is_not_there() -> None:
    """No login, no database and a parameter without a value are left to the environment."""
    address = read("postgresql://h?sslmode=&application_name=")
    assert (address.user, address.password, address.database) == (None, None, None)
    assert (address.tls, address.server_settings, address.connect_seconds) == ({}, {}, None)


@pytest.mark.parametrize(("said", "mode"), [("true", "require"), ("True", "require"), ("false", "disable")])
def test_the_word_ssl(said: str, mode: str) -> None:
    """It may be a yes or a no, and gives way to `sslmode`."""
    assert read(f"postgresql://h/db?ssl={said}").tls == {"sslmode": mode}
    assert read(f"postgresql://h/db?ssl={said}&sslmode=verify-full").tls == {"sslmode": "verify-full"}


@pytest.mark.parametrize("port", [0, 65536, "-1", "\u0661"])
def test_a_port_that_is_none(port: int | str) -> None:
    """A port is a number from 1 to 65535, in digits of ASCII."""
    for url in (f"postgresql://h:{port}/db", f"postgresql:///db?host=h&port={port}"):
        with pytest.raises(AddressError, match="is no URL; look at its port"):
            read(url)
    assert [read(f"postgresql://h:{port}/db").hosts for port in (1, 65535)] == [(("h", 1),), (("h", 65535),)]


def test_each_file_of_tls_has_to_be_there(tmp_path: Path) -> None:
    """A key or a certificate that cannot be read is told by its parameter, before anything is sent."""
    for name in ("sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile"):
        with pytest.raises(AddressError, match=f"the file that {name} names cannot be read"):
            read(f"postgresql://h/db?{name}={tmp_path}/none")


def test_an_address_of_ipv6_is_named_with_its_port() -> None:
    """In brackets, or the port could not be told from it; a socket in the default place is named as that."""
    assert str(read("postgresql://[::1]/db")) == "[::1]:5432"
    assert str(read("postgresql://[::1]:5001/db")) == "[::1]:5001"
    assert str(read("postgresql:///db")) == "its default place (PGHOST, or a socket)"
