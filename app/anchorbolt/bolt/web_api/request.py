"""aiohttp's request, which writes a small body at once: aiohttp starts a task for each body, and awaits it nowhere.

From Python 3.12 on, aiohttp starts that task eagerly, which comes to the same (aiohttp/client_reqrep.py, send).
"""

from __future__ import annotations

import sys

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection
from aiohttp.http_writer import StreamWriter, _serialize_headers
from aiohttp.payload import BytesPayload

# Larger ones may have to wait until the connection takes more: aiohttp's task does that.
MOST_BYTES = 32_768


class Request(aiohttp.ClientRequest):
    """A request whose head and small body are one write, in the task of the call."""

    async def send(self, conn: Connection) -> ClientResponse:
        """aiohttp's own hook: sends the request, and returns the response to read its head from."""
        protocol, body = conn.protocol, self._body
        assert protocol is not None  # noqa: S101 - as aiohttp's own
        if (
            sys.version_info >= (3, 12)
            or type(body) is not BytesPayload
            or (body.size or 0) > MOST_BYTES
            or protocol.writing_paused
            or not self.is_plain()
        ):
            return await super().send(conn)
        self.write(protocol, self.head() + await body.as_bytes())
        protocol.start_timeout()
        return self.answered(protocol)

    def answered(self, protocol: ResponseHandler) -> ClientResponse:
        """Returns the response to read the answer from, once this request was written."""
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=StreamWriter(protocol, self.loop),  # it is asked for nothing
        )

    def write(self, protocol: ResponseHandler, request: bytes) -> None:
        """Writes the head and the small body of a request at once, to a server that can take it now.

        Raises:
            aiohttp.ClientOSError: the connection is closing. It has the words of aiohttp's task, which retry handlers
                know.
        """
        # What aiohttp's StreamWriter does, without its five calls. There is nothing to wait for after it.
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientOSError(None, f"Can not write request body for {self.url}")
        transport.write(request)

    def with_body(self, body: bytes) -> Request:
        """Returns a copy of it with another body, in a tenth of the time of copy.copy."""
        copied = object.__new__(Request)
        copied.__dict__ = self.__dict__.copy()
        copied.headers = self.headers.copy()
        copied.headers[aiohttp.hdrs.CONTENT_LENGTH] = str(len(body))
        copied._body = BytesPayload(body)
        return copied

    def head(self) -> bytes:
        """Returns the head of a plain request, which is a POST in HTTP/1.1, as aiohttp writes it.

        Raises:
            ValueError: a line break in a header.
        """
        return _serialize_headers(f"POST {self.url.raw_path_qs} HTTP/1.1", self.headers)

    def is_plain(self) -> bool:
        """Returns whether it is a POST without a proxy, chunks or compression, which `write` can write."""
        return (
            self.method == "POST"
            and self.version == aiohttp.HttpVersion11
            and self.proxy is None
            and self.chunked is None
            and not (self.compress or self._continue or self._traces or self._upload_tracker)
            and aiohttp.hdrs.CONTENT_TYPE in self.headers
        )
