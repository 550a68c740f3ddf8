"""The emulator's admin page: tests and people read there which calls arrived, and script the next answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from anchorbolt.emulator.authorize import authorize_route
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.player import SLACK_WAITS_SECONDS
from anchorbolt.emulator.script import Line, Script
from anchorbolt.emulator.socket_mode.sockets import NoConnectionError, Sockets
from anchorbolt.emulator.state.workspace import Workspace
from anchorbolt.emulator.uploads import file_routes

_WELCOME = """A Slack emulator.
/api/METHOD          Slack's Web API: all methods that slack_sdk calls; any other name answers unknown_method
/response/ANYTHING   what a response_url points at
GET /calls           the newest calls (?since=NUMBER&method=METHOD), and counts of all; DELETE forgets them
/upload/FILE_ID      where files.getUploadURLExternal sends a file; /files/FILE_ID/NAME is where it is read
/oauth/v2/authorize  where an app sends a browser to be installed: choose a workspace, allow or cancel
POST /script         how the next calls of a method are answered; GET lists what waits, DELETE clears it
    {"method": "chat.postMessage", "error": "ratelimited", "retry_after_seconds": 3, "times": 2}
                     429 with Retry-After, twice; without "method": any method; "times": null: until it is cleared
    {"error": "channel_not_found"}    Slack's word for an error, with status 200
    {"status": 500}                   a broken server: any status, and a body that is no JSON
    {"delay_seconds": 1}              a late answer, with any of the others too; at most 60
    {"no_answer": "timeout"}          no answer until the app gives up, at most 60 s
    {"no_answer": "close"}            the connection is closed without an answer
    {"no_answer": "close", "performed": true}    the same, but the call was performed: its answer was lost
POST /messages       stores a message of a user's: {"channel": "C1", "message": {"ts": "1.2", "text": "hello"}}
GET /sockets         the app's open connections in Socket Mode; POST sends an envelope over one and returns its ack
"""


class Posted(BaseModel):
    """An envelope of Socket Mode with the fields that the emulator needs; its other fields are sent as they are."""

    model_config = ConfigDict(extra="allow")

    envelope_id: str
    type: str
    payload: dict[str, object]


class Said(BaseModel):
    """A message that a user has written, in the form of conversations.history."""

    class Message(BaseModel):
        """What each message has."""

        model_config = ConfigDict(extra="allow")

        ts: str = Field(pattern=r"^\d{1,16}\.\d{1,9}$")

    channel: str
    message: Message


def admin_page(calls: Calls, script: Script, sockets: Sockets, workspace: Workspace) -> Starlette:
    """Returns the application with the routes that Slack does not have.

    Args:
        calls: of the Web API so far, which `/calls` shows.
        script: the answers that tests ask for, which `/script` changes.
        sockets: the connections of Socket Mode, to send to and to close.
        workspace: what the emulator knows, which can be reset.
    """

    async def welcome(request: Request) -> Response:
        return PlainTextResponse(_WELCOME)

    async def read_calls(request: Request) -> Response:
        if request.method == "DELETE":
            calls.clear()
            return Response(status_code=204)
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            return JSONResponse({"error": "since is a number"}, 400)
        found = calls.since(int(since), request.query_params.get("method"))
        return JSONResponse(
            {"count": calls.count, "by_method": calls.by_method, "calls": [call.public() for call in found]}
        )

    async def write_script(request: Request) -> Response:
        if request.method == "DELETE":
            script.clear()
            return Response(status_code=204)
        if request.method == "POST":
            try:
                script.add(Line.model_validate_json(await request.body()))
            except ValidationError as error:
                return JSONResponse({"error": error.errors(include_url=False, include_input=False)}, 400)
        status = 201 if request.method == "POST" else 200
        return JSONResponse({"waiting": [line.model_dump() for line in script.waiting()]}, status)

    async def take_message(request: Request) -> Response:
        try:
            said = Said.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_input=False)}, 400)
        workspace.messages.put(said.channel, said.message.model_dump())
        return Response(status_code=204)

    async def use_sockets(request: Request) -> Response:
        if request.method == "GET":
            connections = [{"number": c.number, "sent": c.sent, "acked": c.acked} for c in sockets.open_connections]
            return JSONResponse({"opened": sockets.opened, "open": connections})
        try:
            envelope = Posted.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_input=False)}, 400)
        try:
            payload = await sockets.send(envelope.model_dump(), SLACK_WAITS_SECONDS)
        except NoConnectionError:
            return JSONResponse({"error": "no connection"}, 503)
        except TimeoutError:
            return JSONResponse({"error": f"not acknowledged within {SLACK_WAITS_SECONDS} s"}, 504)
        return JSONResponse({"payload": payload})

    return Starlette(
        routes=[
            Route("/", welcome),
            Route("/calls", read_calls, methods=["GET", "DELETE"]),
            Route("/messages", take_message, methods=["POST"]),
            Route("/script", write_script, methods=["GET", "POST", "DELETE"]),
            Route("/sockets", use_sockets, methods=["GET", "POST"]),
            authorize_route(workspace),
            *file_routes(workspace.files),
        ]
    )
