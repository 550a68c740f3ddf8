"""`python -m tests.promises`: every test and every class of tests has a docstring of one sentence.

Ruff sees a docstring that is missing; that it is a sentence, a promise to the reader, is looked at here.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
FEWEST_WORDS = 4


def without_promise(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each test, or class of tests, whose docstring is no sentence."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_test = node.name.startswith("test")
        else:
            is_test = isinstance(node, ast.ClassDef) and node.name.startswith("Test")
        if is_test and not is_sentence(ast.get_docstring(node)):  # type: ignore[arg-type]  # a def or a class, as above
            yield node.lineno, node.name  # type: ignore[attr-defined]  # likewise


def is_sentence(docstring: str | None) -> bool:
    """Some words, and a full stop at the end of the first paragraph; a name in small letters may be the first word."""
    first = " ".join((docstring or "").split("\n\n", maxsplit=1)[0].split())
    return len(first.split()) >= FEWEST_WORDS and first.endswith(".")


def main() -> int:
    """Prints each test without a promise; 1 if there are any."""
    found = [
        f"{file.relative_to(TESTS.parent)}:{line}: {name} has no docstring that is a sentence"
        for file in sorted(TESTS.rglob("*.py"))
        for line, name in without_promise(file.read_text())
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
