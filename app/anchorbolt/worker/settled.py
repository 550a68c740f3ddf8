"""To wait for a write of the inbox without a hand in it: who stops waiting does not stop the write."""

from __future__ import annotations

import asyncio
from typing import Any


def settled(writing: asyncio.Future[Any]) -> asyncio.Future[None]:
    """Done when `writing` is, however that ends: its result, or its error, is to be asked for then.

    As `asyncio.shield`, which does some more for futures that nobody else looks after: two callbacks, and two turns
    more of the loop, a write.
    """
    over: asyncio.Future[None] = writing.get_loop().create_future()

    def tell(_: object) -> None:
        if not over.done():
            over.set_result(None)

    writing.add_done_callback(tell)
    return over
