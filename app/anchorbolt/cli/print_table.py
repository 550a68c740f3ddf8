"""Prints a table: as wide as the terminal, or with each row in one line where the output is piped."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

# Characters of a line that is piped, more than the columns together ever have: keys that are broken into several lines
# cannot be used.
WIDE = 1_000


def print_table(table: Table) -> None:
    """Prints the table, without spaces at the ends of lines."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
