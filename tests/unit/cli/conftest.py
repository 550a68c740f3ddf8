"""A fake app that records the requests it gets, for the tests of commands that send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest
from slack_sdk.signature import SignatureVerifier

from tests.support.threaded_server import threaded_server

SECRET = "made-up-secret"


@dataclass
class FakeApp:
    """What the fake app got. It answers 401 to a wrong signature, otherwise `status`."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@pytest.fixture
def fake_app() -> Iterator[FakeApp]:
    """A fake app that listens on a free port."""
    fake_app = FakeApp()
    verifier = SignatureVerifier(SECRET)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake_app.bodies.append(body)
            fake_app.headers.append(dict(self.headers))
            valid = verifier.is_valid_request(body, dict(self.headers))
            self.send_response(fake_app.status if valid else 401)
            self.end_headers()
            self.wfile.write(b"seen")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    with threaded_server(Handler) as port:
        fake_app.url = f"http://127.0.0.1:{port}/slack/events"
        yield fake_app
