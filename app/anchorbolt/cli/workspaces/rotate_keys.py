"""`workspaces rotate-keys`: encrypts everything again with the first key of TOKEN_KEYS."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from anchorbolt import settings
from anchorbolt.cli.inbox.session import PATIENT_SECONDS, opened
from anchorbolt.cli.workspaces import session
from anchorbolt.encryption import HOW_TO_MAKE_ONE, Keys
from anchorbolt.errors import AnchorboltError, InvalidSettingsError
from anchorbolt.workspaces.lost_key import GivenUp, give_up
from anchorbolt.workspaces.reencrypt import Reencrypted, reencrypt

Lost = Annotated[
    str | None, typer.Option(help="The name of a key that is lost: give up the tokens that it has encrypted.")
]


def rotate_keys(lost: Lost = None) -> None:
    """Encrypts tokens and deliveries again with the first key of TOKEN_KEYS, also what was not encrypted before.

    Pods can serve meanwhile, if all of them have the new key. You can interrupt it and run it again at any time. If
    something is left it ends with 1: then take no key out of TOKEN_KEYS.

    Errors name the key that is missing. Without --lost nothing of it is given up, because a pod may have it.
    """
    keys = Keys(settings.load().keys)
    if not keys:
        raise InvalidSettingsError([f"TOKEN_KEYS: missing; its first key is the new one: {HOW_TO_MAKE_ONE}"])
    if lost is not None:
        if keys.has(lost):
            raise InvalidSettingsError([f"TOKEN_KEYS: has the key {lost}, so it is not lost"])
        gone = asyncio.run(_give_up(lost))
        if not gone.workspaces and not gone.users:
            raise AnchorboltError(f"no token that works is encrypted with a key {lost}; errors name the missing one")
        print(f"The key {lost} is lost: given up the tokens of {gone.workspaces} workspaces and {gone.users} users.")
    found = asyncio.run(_reencrypt(keys))
    for one in found:
        print(f"{one.name}: {one.encrypted} encrypted with the first key, {one.left + one.undecryptable.total()} left")
    problems = [problem for one in found for problem in _problems(one)]
    if problems:
        raise AnchorboltError("; ".join(problems))
    # Named, because who runs this elsewhere than in a pod may have other keys than the pods.
    print(f"Everything is encrypted with the first key, {keys.first}: the others may be taken out of TOKEN_KEYS.")


async def _reencrypt(keys: Keys) -> list[Reencrypted]:
    async with opened() as (database, _):
        return await reencrypt(database, keys, PATIENT_SECONDS)


async def _give_up(lost: str) -> GivenUp:
    async with session.opened() as at:
        gone = await at.database.transact(lambda connection: give_up(connection, lost), PATIENT_SECONDS)
        await at.tell()
        return gone


def _problems(one: Reencrypted) -> list[str]:
    problems = []
    if one.left:
        problems.append(
            f"{one.left} {one.name} are still being written with another key, or were changed in each pass:"
            " look whether all pods have the new key first, then run this again"
        )
    problems += [
        f"{count} {one.name} of {workspace} cannot be decrypted: add their key to TOKEN_KEYS again"
        for workspace, count in sorted(one.undecryptable.items())
    ]
    return problems
