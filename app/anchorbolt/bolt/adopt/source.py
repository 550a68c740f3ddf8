"""Reads a team's module as text, for what cannot be seen in the imported module: what its main block does."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from types import ModuleType

APPS = frozenset({"App", "AsyncApp"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Source:
    """The names that a module calls, in its main block and outside of it. A module without a source calls none."""

    def __init__(self, module: ModuleType) -> None:
        """`module`: one that was imported."""
        try:
            body = ast.parse(inspect.getsource(module)).body
        except (OSError, TypeError):  # without a source
            body = []
        main = [one for one in body if isinstance(one, ast.If) and "__main__" in ast.dump(one.test)]
        self.called_in_main = frozenset(_calls(main))
        self.called_at_import = frozenset(_calls([one for one in body if one not in main]))


def _calls(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that these statements call when they run. What a function calls that they define is none of them."""
    for node in nodes:
        if isinstance(node, _FUNCTIONS):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        yield from _calls(list(ast.iter_child_nodes(node)))
