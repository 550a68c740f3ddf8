"""The states of installations that have begun: each is bound to the browser that began it, and used once.

The state goes to Slack and comes back in an address; the cookie stays in the browser. Whoever has only one of them,
such as somebody who sends another person a link, has nothing. The database has hashes of both.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select

from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import oauth_state

# How long a user may take on Slack's page.
VALID_SECONDS = 600
_BYTES = 32
# As many as are looked for at each beginning, so that what was never finished goes away with what is begun.
_SWEPT = 50


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser is given. `state`: for Slack to bring back; `cookie`: the value that the browser keeps."""

    state: str = field(repr=False)
    cookie: str = field(repr=False)


class OAuthStates:
    """The states, in the database that all processes share."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self) -> Begun:
        """Stores a new state, which is valid for VALID_SECONDS, and removes some that are over. Raises a StoreError."""
        begun = Begun(secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES))

        def work(connection: Connection) -> None:
            # Another process may sweep the same ones: what it holds is left to it.
            over = select(oauth_state.c.state_hash).where(oauth_state.c.expires_at < now()).limit(_SWEPT)
            ids = list(connection.scalars(over.with_for_update(skip_locked=True)))
            if ids:
                connection.execute(delete(oauth_state).where(oauth_state.c.state_hash.in_(ids)))
            values = {"state_hash": _hash(begun.state), "browser_hash": _hash(begun.cookie)}
            connection.execute(
                insert(self._store.database.dialect, oauth_state).values(**values, expires_at=now() + VALID_SECONDS)
            )

        await self._store.transact(work)
        return begun

    async def redeem(self, state: str, cookie: str) -> bool:
        """Uses a state up. Returns whether it was there, of this browser and not over.

        Of any number that ask at once, in whatever processes, one is told so: it is one DELETE ... RETURNING. Raises a
        StoreError; the state may be used up then.
        """
        used = (
            delete(oauth_state)
            .where(
                oauth_state.c.state_hash == _hash(state),
                oauth_state.c.browser_hash == _hash(cookie),
                oauth_state.c.expires_at > now(),
            )
            .returning(oauth_state.c.state_hash)
        )
        return await self._store.transact(lambda c: c.execute(used).first() is not None, reads=True)


def _hash(value: str) -> str:
    # Both are random and long: a hash without salt and without rounds cannot be guessed from.
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
