"""What `dev` and the process that serves tell each other: LOAD, then a report of how that went, then SERVE."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

LOAD = b"load\n"
SERVE = b"serve\n"
LONGEST_ORDER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Report:
    """`loaded`: whether it can serve. `folders`: where the files are that the app was loaded from."""

    loaded: bool
    folders: tuple[str, ...] = ()

    def as_line(self) -> bytes:
        """The report as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Report:
        """Parses such a line. An empty one, from a process that ended before, means that nothing was loaded."""
        if not line:
            return cls(loaded=False)
        told = json.loads(line)
        return cls(loaded=told["loaded"], folders=tuple(told["folders"]))
