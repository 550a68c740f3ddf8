"""A dictionary with a largest size, so that an emulator that runs for days stays small."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT = 1000


class Bounded(OrderedDict[K, V]):
    """A dictionary that drops the entry that was set longest ago once it holds more than `kept` entries."""

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__()
        self._kept = kept

    def __setitem__(self, key: K, value: V) -> None:
        """Sets an entry and makes it the newest one."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._kept:
            self.popitem(last=False)
