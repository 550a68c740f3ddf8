"""The addresses beside the Web API that files have: where one is uploaded, and where it is read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from anchorbolt.emulator.multipart import parts
from anchorbolt.emulator.state.files import Files


def file_routes(files: Files) -> list[Route]:
    """The routes of `upload_url` and `url_private`, which are in the answers of `files.*`."""

    async def upload(request: Request) -> Response:
        file = files.find(request.path_params["file_id"])
        if file is None or file.is_complete:
            return PlainTextResponse("file_not_found", 404)
        content, content_type = await request.body(), request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            _, contents = parts(content_type.encode("latin-1"), content)
            content = contents[0] if contents else b""
        files.receive(file, content)
        return PlainTextResponse(f"OK - {len(content)}")

    async def read(request: Request) -> Response:
        file, content = files.find(request.path_params["file_id"]), files.content(request.path_params["file_id"])
        if file is None or content is None:
            return PlainTextResponse("file_not_found", 404)
        return Response(content, media_type=file.public()["mimetype"])

    return [
        Route("/upload/{file_id}", upload, methods=["POST", "PUT"]),
        Route("/files/{file_id}/{name:path}", read, methods=["GET"]),
    ]
