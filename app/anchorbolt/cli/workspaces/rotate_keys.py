"""`workspaces rotate-keys`: encrypts everything again with the first key of TOKEN_KEYS."""

from __future__ import annotations

import asyncio

from anchorbolt import settings
from anchorbolt.cli.inbox.session import PATIENT_SECONDS, opened
from anchorbolt.encryption import HOW_TO_MAKE_ONE, Keys
from anchorbolt.errors import AnchorboltError, InvalidSettingsError
from anchorbolt.workspaces.reencrypt import Reencrypted, reencrypt


def rotate_keys() -> None:
    """Encrypts tokens and deliveries again with the first key of TOKEN_KEYS, also what was not encrypted before.

    Pods can serve meanwhile, if all of them have the new key. You can interrupt it and run it again at any time. If
    something is left it ends with 1: then take no key out of TOKEN_KEYS.
    """
    keys = Keys(settings.load().keys)
    if not keys:
        raise InvalidSettingsError([f"TOKEN_KEYS: missing; its first key is the new one: {HOW_TO_MAKE_ONE}"])
    found = asyncio.run(_reencrypt(keys))
    for one in found:
        print(f"{one.name}: {one.encrypted} encrypted with the first key, {one.left + one.undecryptable.total()} left")
    problems = [problem for one in found for problem in _problems(one)]
    if problems:
        raise AnchorboltError("; ".join(problems))
    print("Everything is encrypted with the first key: the others may be taken out of TOKEN_KEYS.")


async def _reencrypt(keys: Keys) -> list[Reencrypted]:
    async with opened() as (database, _):
        return await reencrypt(database, keys, PATIENT_SECONDS)


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
