"""What the log lines of a delivery say of it, and the id that finds it in the proxy's log."""

from __future__ import annotations

import re

import pytest
from anchorbolt.delivery import Delivery, Kind, headers
from anchorbolt.delivery.log_fields import failure_fields, log_fields

DELIVERY = Delivery(
    Kind.COMMAND, "/x", "command:1.2.a", "C1", "=command:1.2.a", "", "", {}, {"x-request-id": "r1"}, workspace="T1"
)


def test_the_fields_of_a_delivery() -> None:
    """A line says key, kind, workspace, conversation and lane; one about a failure the id of its request instead of the
    kind."""
    known = {"key": "command:1.2.a", "team": "T1", "conversation": "C1", "lane": "=command:1.2.a"}
    assert log_fields(DELIVERY) == known | {"kind": "command"}
    assert failure_fields(DELIVERY) == known | {"request_id": "r1"}


@pytest.mark.parametrize("given", [b"r1", b"x" * 128, b"!~"])
def test_the_id_of_a_request_is_the_proxys(given: bytes) -> None:
    """What the proxy has written into its own log finds the request in ours."""
    assert headers.request_id({b"x-request-id": given}) == given.decode()


@pytest.mark.parametrize("given", [None, b"", b"x" * 129, b"a b", b"a\n", "é".encode()])
def test_a_request_without_a_usable_id_gets_one(given: bytes | None) -> None:
    """Without an id, or with one that would not fit into a line, it has a new one of 32 hexadecimal digits."""
    sent = {} if given is None else {b"x-request-id": given}
    one, other = headers.request_id(sent), headers.request_id(sent)
    assert re.fullmatch("[0-9a-f]{32}", one)
    assert one != other
