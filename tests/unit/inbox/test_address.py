"""DATABASE_URL names a PostgreSQL in libpq's form: hosts, login and parameters mean what they mean to psql."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.inbox import opening
from anchorbolt.inbox.postgresql import AddressError, PostgresqlDatabase, read
from anchorbolt.settings import Settings
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
