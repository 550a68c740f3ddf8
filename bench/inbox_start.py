"""How long `anchorbolt inbox` takes to start, beside importing SQLAlchemy and asyncpg alone: a ratio.

python -m bench.inbox_start --rounds 10
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

NEEDED = "import sqlalchemy, asyncpg, sqlalchemy.dialects.postgresql.asyncpg"
OURS = "from anchorbolt.cli import load; load('inbox'); import anchorbolt.inbox.postgresql"


def seconds(code: str) -> float:
    """How long a Python takes that runs this."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measures both in turns, and prints the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    pairs = [(seconds(NEEDED), seconds(OURS)) for _ in range(rounds)]
    needed, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"SQLAlchemy and asyncpg {needed:.2f} s, anchorbolt inbox {ours:.2f} s: {ours / needed:.2f} times")


if __name__ == "__main__":
    main()
