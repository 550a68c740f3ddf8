"""Python's garbage collector, told what a server is: much that stays, and little that only it can free."""

from __future__ import annotations

import gc

# Python's own 700 asks for a collection every few requests, and most of what it then looks at is still in use. So is it
# where hundreds of requests wait: they hold some 100 objects each, and a look at 10,000 took 9 ms.
YOUNG_OBJECTS = 50_000
# What was in use then, and is a cycle without a use later, waits for the next generation's look: some 100 bytes each.
YOUNG_LOOKS, MIDDLE_LOOKS = 4, 20


def calm() -> None:
    """What exists by now stays for good and is not looked at any more; the rest is, more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
