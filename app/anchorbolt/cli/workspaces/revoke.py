"""`workspaces revoke`: has Slack revoke the tokens of a workspace, and removes them here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import visible
from anchorbolt.cli.inbox.session import PATIENT_SECONDS
from anchorbolt.cli.workspaces.session import Opened, opened, unknown
from anchorbolt.errors import AnchorboltError
from anchorbolt.workspaces import revoking, user_grants
from anchorbolt.workspaces.installation import Installation, UserToken

if TYPE_CHECKING:  # it takes a quarter of a second, and only who revokes needs it
    from slack_sdk.web.async_client import AsyncWebClient

SLACK_SECONDS = 10


def revoke(
    workspace: Annotated[str, typer.Argument(metavar="TEAM", help="Its id, as `workspaces list` shows it.")],
) -> None:
    """Has Slack revoke all tokens of a workspace, and removes its installation.

    A token is removed here only after Slack has confirmed that it is no longer valid. If Slack does not answer, the
    rest stays, and the command ends with 1: run it again, or remove the rest with `workspaces forget`, which does not
    ask Slack.
    """
    asyncio.run(_revoke(workspace))


async def _revoke(workspace: str) -> None:
    import aiohttp  # noqa: PLC0415 - as above
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415 - as above

    async with opened() as at, aiohttp.ClientSession() as session:
        found = await at.database.read(
            lambda connection: at.installations.find(connection, [workspace]).get(workspace), PATIENT_SECONDS
        )
        if found is None:
            raise unknown(workspace)
        client = AsyncWebClient(
            base_url=at.settings.slack_api_url, timeout=SLACK_SECONDS, session=session, retry_handlers=[]
        )
        try:
            of_users, without_key = await _users(at, client, workspace)
            left = of_users + await _bot(at, client, found)
            without_key = without_key or found.lacks_key
        finally:
            await at.tell()
            await at.database.tidy()
    if left and without_key:
        raise AnchorboltError(
            f"{left} of the tokens of {workspace} are still here, and TOKEN_KEYS has not all of their keys here:"
            " give the command again in a pod, or with the TOKEN_KEYS of the pods"
        )
    if left:
        raise AnchorboltError(
            f"{left} of the tokens of {workspace} are still here and may still be valid: give the command again;"
            f" `anchorbolt workspaces forget {workspace}` removes them without asking Slack"
        )


async def _users(at: Opened, client: AsyncWebClient, workspace: str) -> tuple[int, bool]:
    """Revokes the users' tokens. Returns how many are left, and whether the key of one of them is not here."""
    left, without_key = 0, False
    for one in await at.database.read(lambda connection: user_grants.read(connection, workspace), PATIENT_SECONDS):
        found = await at.database.read(
            lambda connection, user=one.user_id: at.installations.find_user(connection, workspace, user),  # type: ignore[misc] # a default binds it
            PATIENT_SECONDS,
        )
        if found is None:  # revoked since
            continue
        if found.token is None:
            print(visible(f"{workspace}: the token of user {one.user_id} cannot be decrypted, and is left"))
            left, without_key = left + 1, without_key or found.lacks_key
            continue
        answer = await revoking.revoke(client, found.token.access)
        print(visible(f"{workspace}: the token of user {one.user_id} {answer.said}"))
        if not answer.is_over:
            left += 1
            continue

        # One that was refreshed or granted while we asked Slack is another token, which nobody has revoked.
        def remove(connection: Connection, gone: UserToken = found) -> bool:
            user_id = gone.user_id
            at.installations.remove_user(connection, workspace, user_id, before=gone.installed_at, version=gone.version)
            return at.installations.find_user(connection, workspace, user_id) is None  # perhaps by another operator

        left += int(not await at.database.transact(remove))
    return left, without_key


async def _bot(at: Opened, client: AsyncWebClient, found: Installation) -> int:
    """Revokes the bot's token, and removes the installation if no user's token is left. Returns 1 if it is left."""
    workspace = found.workspace
    if found.bot is not None:
        answer = await revoking.revoke(client, found.bot.access)
        print(visible(f"{workspace}: the bot's token {answer.said}"))
        if not answer.is_over:
            return 1
    elif found.reason is not None:
        print(f"{workspace}: the bot's token cannot be used: {found.reason}")
        return 1
    users = await at.database.read(lambda connection: user_grants.read(connection, workspace), PATIENT_SECONDS)
    if users:  # removing the installation would remove their tokens unrevoked
        return 0

    def remove(connection: Connection) -> bool:
        at.installations.remove(connection, workspace, before=found.installed_at, version=found.version)
        return not at.installations.versions(connection, [workspace])

    is_gone = await at.database.transact(remove)  # as above: its token may be another one by now
    print(f"{workspace}: removed" if is_gone else f"{workspace}: was installed again or refreshed meanwhile, and stays")
    return int(not is_gone)
