"""Nothing of a refused request stays in memory: whoever sends bodies that nobody signed would fill it."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator
from typing import cast

import pytest
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples.sample import FORM, JSON, Sample
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from anchorbolt.errors import RefusedError
from anchorbolt.http.signature import Signature
from anchorbolt.http.slack_route import HttpRequest
from anchorbolt.intake.intake import Intake

from tests.support.app_in_process import URL, app_in_process


class Body(bytearray):
    """Bytes that may be asked whether they are still there, which `bytes` itself may not."""


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_body_with_a_wrong_signature_is_let_go_of() -> None:
    """A body that was not signed is gone from memory as soon as it was refused."""
    verifier, kept = Signature([b"secret"]), []
    for _ in range(3):
        body = Body(b"a" * 1_000)
        kept.append(weakref.ref(body))
        with pytest.raises(RefusedError):
            verifier.verify(cast("bytes", body), b"1760000000", b"v0=" + b"0" * 64)
        del body
    assert [body() for body in kept] == [None] * 3


def tracebacks() -> list[str]:
    """The constants of ours that hold a traceback, which holds a request."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith("anchorbolt")}
    return [
        f"{name}.{key}"
        for name, module in modules.items()
        for key, value in vars(module).items()
        if isinstance(value, BaseException) and value.__traceback__ is not None
    ]


async def asked(intake: Intake) -> str:
    """The refusal of a request that cannot even be read."""
    with pytest.raises(RefusedError) as refused:
        await intake.answer(cast("HttpRequest", None))  # is not looked at before it is turned away
    return refused.value.word


async def test_no_constant_holds_a_request() -> None:
    """Whatever a request is refused for, no exception of a module keeps its traceback, and in it the request."""
    event = Sample("", "", JSON, b"{}")
    async with app_in_process(max_body_bytes=100, max_in_flight=1) as app:
        bodies = [event, Sample("", "", JSON, b"x" * 101), Sample("", "", FORM, b"{}"), Sample("", "", "text/x", b"")]
        for body in bodies:
            for forgery in (None, *Forgery):
                headers = request_headers(body, EMULATOR_SECRET, forgery=forgery)
                assert (await app.http.post(URL, content=body.body, headers=headers)).status_code >= 400

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 10

        headers = request_headers(event, EMULATOR_SECRET)
        assert (await app.http.post(URL, content=chunks(), headers=headers)).status_code == 413
        app.intake.closing = True
        assert await asked(app.intake) == "draining"
        app.intake.starting = True
        assert await asked(app.intake) == "store_unavailable"
    assert tracebacks() == []
