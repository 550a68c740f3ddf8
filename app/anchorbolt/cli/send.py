"""`anchorbolt send`: sends the running app one request as Slack would, or many."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from anchorbolt.cli import sent_message
from anchorbolt.cli.app_url import app_url
from anchorbolt.cli.body_file import Encoding, sample_from_file
from anchorbolt.cli.burst import Summary, burst
from anchorbolt.cli.curl import equal_curl
from anchorbolt.cli.send_request import ALL_KINDS, from_request, given_fields, given_state, read_request, source
from anchorbolt.emulator.player import Ack, Player, client, request_headers
from anchorbolt.emulator.requests import RequestFormatError, Sample
from anchorbolt.emulator.scene import EMULATOR_URL, Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery

MOST_REQUESTS = 100_000
MOST_AT_ONCE = 256

_SLACK = "https://slack.com/"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests are sent, the secret that signs them, and the address of the Slack emulator."""

    url: str
    secret: str
    slack_url: str


def send(  # noqa: PLR0917 - an option of a command is an argument of its function
    kind: Annotated[str, typer.Argument(help=f"What to send: {', '.join(ALL_KINDS)}.")] = "app_mention",
    name: Annotated[
        str | None,
        typer.Argument(help="What the listener listens to: /deploy, an action_id, a callback_id, a type of event."),
    ] = None,
    of_type: Annotated[
        str | None, typer.Option("--type", help="Type of the event; for an action, of its element.")
    ] = None,
    action_id: Annotated[str | None, typer.Option(help="The same as NAME, for an action or options.")] = None,
    callback_id: Annotated[str | None, typer.Option(help="The same as NAME, for a view, shortcut or function.")] = None,
    text: Annotated[str | None, typer.Option(help="What the user wrote.")] = None,
    value: Annotated[str | None, typer.Option(help="Value of the action, or what was typed into options.")] = None,
    block_id: Annotated[str | None, typer.Option(help="The block_id of the action or options.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="What was entered into a view: BLOCK.ACTION=VALUE, or JSON.")
    ] = None,
    private_metadata: Annotated[str | None, typer.Option(help="The view's private_metadata.")] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", help="An input of the function: NAME=VALUE.")] = None,
    user: Annotated[str | None, typer.Option(help="The id of the user.")] = None,
    channel: Annotated[str | None, typer.Option(help="The id of the channel.")] = None,
    team: Annotated[str | None, typer.Option(help="The id of the workspace.")] = None,
    thread_ts: Annotated[str | None, typer.Option(help="The ts of the message that began the thread.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Any other field of a request (docs/testing.md): NAME=VALUE.")
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="Send the request in this file: JSON or YAML.", exists=True, dir_okay=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Send the content of this file as the body, whatever it is.", exists=True, dir_okay=False),
    ] = None,
    encoding: Annotated[Encoding, typer.Option(help="How the body from --file is sent.")] = Encoding.AUTO,
    url: Annotated[
        str | None, typer.Option(help="Where to send it. Default: http://127.0.0.1:PORT/slack/events.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Sign with this. Default: SLACK_SIGNING_SECRET, or else the emulator's.")
    ] = None,
    retry_num: Annotated[int, typer.Option(help="Send it as Slack's retry number N.", min=0, max=3)] = 0,
    bad_signature: Annotated[bool, typer.Option("--bad-signature", help="Sign with another secret.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Sign as if five minutes ago.")] = False,
    count: Annotated[int, typer.Option(help="How many to send, each a new one.", min=1, max=MOST_REQUESTS)] = 1,
    concurrency: Annotated[int, typer.Option(help="How many to send at once.", min=1, max=MOST_AT_ONCE)] = 1,
    curl: Annotated[bool, typer.Option("--curl", help="Print the request as a curl command too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Signs a request as Slack would, sends it to the app that runs, and prints status, time and body of the answer.

    Without a NAME it sends what the sample app listens to; with one, what a listener of yours listens to:
    `send command /deploy --text prod`, `send block_actions --action-id approve`, `send event --type app_mention`.

    The app is looked for on this machine, at the PORT of the environment or .env; --url names another address.

    With --curl, or if the answer was not 2xx, the same request is printed as a curl command, whose signature is valid
    for five minutes. With --count a summary is printed instead.

    Exits with 1 if an answer was not 2xx.
    """
    if kind not in ALL_KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(ALL_KINDS)}", param_hint="KIND")
    if bad_signature and stale:
        raise typer.BadParameter("choose one of --bad-signature and --stale")
    target = _target(url, secret)
    scene = Scene(slack_url=target.slack_url)
    try:
        if file is not None:
            fresh = _again(sample_from_file(file, encoding))
        elif request is not None:
            fresh = from_request(read_request(request), scene)
        else:
            given = {
                "text": text,
                "value": value,
                "block_id": block_id,
                "private_metadata": private_metadata,
                "user": user,
                "channel": channel,
                "team": team,
                "thread_ts": thread_ts,
                "state": given_state(state) if state else None,
                "inputs": given_fields(inputs, "input") if inputs else None,
                **given_fields(field or (), "field"),
            }
            if kind == "event":
                name = name or of_type
            elif of_type is not None:
                given["type"] = of_type
            name = name or action_id or callback_id
            fresh = source(kind, name, {known: said for known, said in given.items() if said is not None}, scene)
    except RequestFormatError as error:
        raise typer.BadParameter(str(error)) from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--encoding") from None
    forgery = Forgery.BAD_SIGNATURE if bad_signature else Forgery.STALE if stale else None
    if count > 1:
        many = _send_many(target, fresh, forgery, retry_num, count=count, concurrency=concurrency)
        summary = asyncio.run(many)
        print(json.dumps(asdict(summary)) if as_json else summary)
        raise typer.Exit(1 if summary.refused else 0)
    ack = asyncio.run(_send_one(target, fresh(), forgery, retry_num))
    untouched = file is not None and file.read_bytes() == ack.sample.body
    headers = request_headers(ack.sample, target.secret, forgery=forgery, retry_num=retry_num)
    command = equal_curl(target.url, headers, ack.sample.body, file if untouched else None)
    if as_json:
        _print_json(ack, command)
    else:
        _print_ack(ack, target.url, command, always_curl=curl)
    raise typer.Exit(0 if ack.ok else 1)


def _target(url: str | None, secret: str | None) -> Target:
    """Takes what was not given from the settings, so that `send` finds the app that runs beside it."""
    if url and secret:
        api = os.environ.get("SLACK_API_URL") or _SLACK  # `dev` prints a command with it, for an emulator elsewhere
        return Target(url, secret, _emulator_of(api))
    from anchorbolt import settings  # noqa: PLC0415 - a third of a second that a call with both options need not spend

    loaded = settings.load()
    if loaded.has_socket and url is None:
        raise typer.BadParameter("with RECEIVER=socket the app takes nothing over HTTP, and Slack alone sends to it")
    known = [known.decode() for known in loaded.signing_secrets]
    return Target(
        url or app_url(loaded.port),
        secret or (known[0] if known else EMULATOR_SECRET),
        _emulator_of(loaded.slack_api_url),
    )


def _emulator_of(api_url: str) -> str:
    """The emulator's address. With the real Slack, what a sample's `response_url` gets stays on this machine too."""
    return EMULATOR_URL if api_url.startswith(_SLACK) else api_url.rstrip("/").removesuffix("api")


def _again(sample: Sample) -> Callable[[], Sample]:
    return lambda: sample


async def _send_one(target: Target, sample: Sample, forgery: Forgery | None, retry_num: int) -> Ack:
    async with client() as http:
        if forgery is None:
            await sent_message.tell(http, target.slack_url, sample)
        return await Player(http, target.url, target.secret).send(sample, forgery=forgery, retry_num=retry_num)


async def _send_many(
    target: Target,
    fresh: Callable[[], Sample],
    forgery: Forgery | None,
    retry_num: int,
    *,
    count: int,
    concurrency: int,
) -> Summary:
    async with client(keep_alive=True, connections=concurrency) as http:
        player = Player(http, target.url, target.secret)
        return await burst(
            lambda: player.send(fresh(), forgery=forgery, retry_num=retry_num), count=count, concurrency=concurrency
        )


def _print_json(ack: Ack, curl: str) -> None:
    told = {"kind": ack.sample.kind, "key": ack.sample.key, "status": ack.status, "failure": ack.failure}
    body = ack.body.decode("utf-8", "replace")
    print(json.dumps(told | {"ack_ms": round(ack.ack_ms, 2), "body": body, "curl": curl}))


def _print_ack(ack: Ack, url: str, curl: str, *, always_curl: bool) -> None:
    if not ack.status:
        print(f"{ack.sample.kind}: {ack.failure} at {url} after {ack.ack_ms:.1f} ms")
        print("Does the app run there? PORT in the environment or .env, or --url, says where it is.")
    else:
        print(f"{ack.sample.kind}: {ack.status} after {ack.ack_ms:.1f} ms")
        print(ack.body.decode("utf-8", "replace") or "(empty body)")
    if ack.status == httpx.codes.UNAUTHORIZED:
        print("Is it signed with the app's secret? It is SLACK_SIGNING_SECRET in the environment or .env, or --secret.")
    if always_curl or (ack.status and not ack.ok):
        print(f"\nThe same request, valid for five minutes:\n{curl}")
