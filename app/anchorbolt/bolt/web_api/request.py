"""aiohttp's request, which writes a small body at once: aiohttp starts a task for each body, and awaits it nowhere.

From Python 3.12 on, aiohttp starts that task eagerly, which comes to the same (aiohttp/client_reqrep.py, send).
"""

from __future__ import annotations

import sys

import aiohttp
from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from aiohttp.payload import BytesPayload

# Larger ones may have to wait until the connection takes more: aiohttp's task does that.
MOST_BYTES = 32_768


class Request(aiohttp.ClientRequest):
    """A request whose head and small body are one write, in the task of the call."""

    async def send(self, conn: Connection) -> ClientResponse:
        """aiohttp's own hook: sends the request, and returns the response to read its head from."""
        if not self._is_plain(conn) or sys.version_info >= (3, 12):
            return await super().send(conn)
        protocol, body = conn.protocol, self._body
        assert protocol is not None  # noqa: S101 - as _is_plain has found
        assert body is not None  # noqa: S101
        writer = StreamWriter(protocol, self.loop)
        try:
            await writer.write_headers(f"POST {self.url.raw_path_qs} HTTP/1.1", self.headers)
            await writer.write_eof(await body.as_bytes())
        except OSError as error:  # in the words of aiohttp's task, which retry handlers know
            raise aiohttp.ClientOSError(error.errno, f"Can not write request body for {self.url}") from error
        protocol.start_timeout()
        response = self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
        self.response = response  # type: ignore[assignment] # aiohttp annotates only its first value, None
        return response

    def _is_plain(self, conn: Connection) -> bool:
        """Returns whether it is a POST of a few bytes to a server that can take them now."""
        body, protocol = self._body, conn.protocol
        return (
            type(body) is BytesPayload
            and (body.size or 0) <= MOST_BYTES
            and self.method == "POST"
            and self.version == aiohttp.HttpVersion11
            and self.proxy is None
            and self.chunked is None
            and not (self.compress or self._continue or self._traces or self._upload_tracker)
            and aiohttp.hdrs.CONTENT_TYPE in self.headers
            and protocol is not None
            and not protocol.writing_paused
        )
