"""Where a PostgreSQL is and how to connect to it, read from a URL as libpq reads it.

The URL has libpq's form (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS), several
hosts included. asyncpg understands most parameters; this file decides which ones, and does three things that asyncpg
does not: it refuses an unknown parameter (asyncpg would send it to the server as a setting), it reads parameters that
are libpq's alone, and it does not wait for a silent host before it tries the next (hosts.py).
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import asyncpg
from sqlalchemy import URL

from anchorbolt.inbox.postgresql.hosts import Host, Race

DEFAULT_PORT = 5432
# A password may hold any sign but @ as it is, as in SQLAlchemy's URLs; each may be written as %XX.
FORM = re.compile(
    r"(?:postgresql|postgres)(?:\+\w+)?://"
    r"(?:(?P<user>[^:/?@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?@]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)
NO_URL = "is no URL; look at its port, and at signs in its password"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# asyncpg reads these from a URL as libpq does.
PASSED_ON = (
    "sslmode",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "passfile",
    "service",
    "krbsrvname",
    "gsslib",
)
FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile")
# Sent to the server when a connection begins.
SERVER_SETTINGS = ("application_name", "options")
# What the values of libpq mean is what we do anyway, or is without effect here.
WITHOUT_EFFECT: Mapping[str, tuple[str, ...] | None] = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "gssdelegation": ("0",),
    "load_balance_hosts": ("disable",),
    "client_encoding": ("utf8", "utf-8", "UTF8", "UTF-8", "auto"),
    "fallback_application_name": None,
    "keepalives": None,
    "keepalives_idle": None,
    "keepalives_interval": None,
    "keepalives_count": None,
    "tcp_user_timeout": None,
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
# An inbox is written to all the time: a server that only reads is of no use.
SESSIONS = ("any", "read-write", "primary")


class AddressError(ValueError):
    """The URL cannot be used. The message says why, and never quotes a password."""


@dataclass(frozen=True, slots=True)
class Address:
    """The hosts of one PostgreSQL, and what a connection to any of them begins with."""

    hosts: tuple[Host, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    tls: Mapping[str, str] = field(default_factory=dict, repr=False)
    server_settings: Mapping[str, str] = field(default_factory=dict)
    session: str = "any"
    connect_seconds: float | None = None
    race: Race = field(default_factory=Race, repr=False, compare=False)

    def __str__(self) -> str:
        """The hosts with their ports, for messages: never the password."""
        return ", ".join(_name(host, port) for host, port in self.hosts)

    async def connect(
        self, *, within_seconds: float, server_settings: Mapping[str, str] | None = None, **arguments: Any
    ) -> asyncpg.Connection:
        """Connects to a host that takes us. Raises what asyncpg raised for the last one that failed.

        `within_seconds`: for all hosts together, if the URL has no shorter `connect_timeout` for each.
        """
        if self.connect_seconds is not None:
            within_seconds = min(self.connect_seconds, within_seconds)
        settings = {**(server_settings or {}), **self.server_settings}

        async def one(host: Host, seconds: float) -> asyncpg.Connection:
            try:
                return await asyncpg.connect(
                    f"postgresql://?{urlencode(self.tls)}" if self.tls else None,
                    host=host[0],
                    port=host[1],
                    user=self.user,
                    password=self.password,
                    database=self.database,
                    timeout=seconds,
                    server_settings=settings or None,
                    target_session_attrs=self.session,
                    **({"ssl": _system_certificates()} if self.tls.get("sslrootcert") == "system" else {}),
                    **arguments,
                )
            except asyncpg.TargetServerAttributeNotMatched:  # which is none of asyncpg's other errors
                raise ConnectionError(f"{_name(*host)} cannot be written to") from None

        return await self.race.run(self.hosts, one, within_seconds)


def read(text: str | URL) -> Address:
    """Reads a URL. Raises AddressError."""
    if isinstance(text, URL):
        text = text.render_as_string(hide_password=False)
    found = FORM.fullmatch(text)
    if found is None:
        raise AddressError(NO_URL)
    query = _query(found["query"] or "")

    def part(name: str, *parameters: str) -> str | None:
        """A part of the URL, or the parameter that says the same; which wins, as in libpq."""
        given = [query.pop(parameter) for parameter in parameters if parameter in query]
        return given[0] if given else unquote(found[name] or "") or None

    hosts = _hosts(query.pop("host", "") or found["hosts"], query.pop("port", None))
    return Address(
        hosts,
        user=part("user", "user"),
        password=part("password", "password"),
        database=part("database", "dbname", "database"),
        session=_session(query.pop("target_session_attrs", None), len(hosts)),
        connect_seconds=_seconds(query.pop("connect_timeout", None)),
        server_settings={name: query.pop(name) for name in SERVER_SETTINGS if name in query},
        tls=_tls(query),
    )


def _query(text: str) -> dict[str, str]:
    query = dict(parse_qsl(text, keep_blank_values=True))
    if "ssl" in query:  # the name that asyncpg's own argument has, with the same values
        mode = query.pop("ssl")
        query.setdefault("sslmode", {"true": "require", "false": "disable"}.get(mode.lower(), mode))
    return {name: value for name, value in query.items() if value}


def _hosts(listed: str, ports: str | None) -> tuple[Host, ...]:
    """`listed`: as in a URL (`h1:1,h2:2`) or as in the parameter `host`. `ports`: the parameter `port`."""
    hosts: list[Host] = []
    for one in listed.split(","):
        host, port = unquote(one), None
        if not host.startswith("/"):  # the folder of a socket
            name, colon, number = host.rpartition(":")
            if colon and not host.endswith("]") and (name.startswith("[") or ":" not in name):
                host, port = name, _port(number) if number else None
            host = host.removeprefix("[").removesuffix("]")
        hosts.append((host or None, port))
    given = [_port(one) if one else None for one in ports.split(",")] if ports else [None]
    if len(given) not in (1, len(hosts)):
        raise AddressError(f"has {len(hosts)} hosts and {len(given)} ports: give one port, or one for each host")
    if len(given) == 1:
        given *= len(hosts)
    return tuple((host, port or more) for (host, port), more in zip(hosts, given, strict=True))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
        raise AddressError(NO_URL)
    return int(text)


def _session(wanted: str | None, hosts: int) -> str:
    """Which servers to use. Of several hosts the one that can be written to, unless the URL says otherwise."""
    if wanted is None:
        return "read-write" if hosts > 1 else "any"
    if wanted not in SESSIONS:
        raise AddressError(f"target_session_attrs is one of {', '.join(SESSIONS)}: an inbox has to be written to")
    return wanted


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal():
        raise AddressError("connect_timeout is a number of seconds")
    return float(text) or None  # 0 is no bound, as in libpq


def _tls(query: Mapping[str, str]) -> dict[str, str]:
    """What is left of the parameters. Raises AddressError for one that is unknown, or has a value we cannot keep."""
    for name, value in query.items():
        if name in WITHOUT_EFFECT:
            possible = WITHOUT_EFFECT[name]
            if possible is not None and value not in possible:
                raise AddressError(f"the parameter {name} can only be {' or '.join(possible)} here")
        elif name not in PASSED_ON:
            raise AddressError(f"the parameter {name} is not known; take it out")
    found = {name: query[name] for name in PASSED_ON if name in query}
    if found.get("sslmode", "prefer") not in SSL_MODES:
        raise AddressError(f"sslmode is one of {', '.join(SSL_MODES)}")
    if found.get("sslrootcert") == "system":
        if found.get("sslmode", "verify-full") != "verify-full":
            raise AddressError("sslrootcert=system needs sslmode=verify-full, as in libpq")
        found["sslmode"] = "verify-full"
    for name in FILES:
        if name in found and found[name] != "system" and not os.access(found[name], os.R_OK):
            raise AddressError(f"the file that {name} names cannot be read")
    return found


def _system_certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def _name(host: str | None, port: int | None) -> str:
    if host is None or host.startswith("/"):
        return f"the socket in {host}" if host else "its default place (PGHOST, or a socket)"
    return f"[{host}]:{port or DEFAULT_PORT}" if ":" in host else f"{host}:{port or DEFAULT_PORT}"
