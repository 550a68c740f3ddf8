"""docs/errors.md names every refusal of the code, with its status, and no other."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from slack_bolt.async_app import AsyncApp

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| (?P<status>\d{3}) \| `(?P<word>[^`]+)` \|", re.MULTILINE)

Refusal = tuple[int, str]

# Answered by Bolt's own code, for a middleware of the app's.
BY_BOLT: set[Refusal] = {(404, "no next() calls in middleware")}


def from_docs() -> list[Refusal]:
    """Status and word of each row."""
    return [(int(row["status"]), row["word"]) for row in ROW.finditer((ROOT / "docs" / "errors.md").read_text())]


def refusals(source: str) -> Iterator[Refusal]:
    """Status and word of each refusal that a module makes, directly or by a function of its own that takes the word."""
    tree = ast.parse(source)
    makers: dict[str, int] = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for status, words in made(function):
            if any(isinstance(part, ast.Name) for part in ast.walk(words)):
                makers[function.name] = status
    for status, words in made(tree):
        yield from ((status, word) for word in texts(words))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in makers and call.args:
            yield from ((makers[call.func.id], word) for word in texts(call.args[0]))


def made(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """Status and word of each RefusedError(status, word), and of each BoltResponse with an `error` in its body."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        match call:
            case ast.Call(func=ast.Name(id="RefusedError"), args=[ast.Constant(value=int(status)), words]):
                yield status, words
            case ast.Call(
                func=ast.Name(id="BoltResponse"),
                keywords=[
                    ast.keyword(arg="status", value=ast.Constant(value=int(status))),
                    ast.keyword(arg="body", value=ast.Dict(values=[words])),
                ],
            ):
                yield status, words
            case ast.Call(func=ast.Name(id="RefusedError")):
                raise AssertionError(f"line {call.lineno}: RefusedError(status, word) with a number for the status")


def texts(words: ast.expr) -> list[str]:
    """The word, or both of `one if ... else other`."""
    match words:
        case ast.Constant(value=str(word)):
            return [word]
        case ast.IfExp():
            return texts(words.body) + texts(words.orelse)
        case _:
            return []


def from_code() -> set[Refusal]:
    """Every refusal of app/, and of Bolt's dispatch."""
    return BY_BOLT.union(*(refusals(file.read_text()) for file in (ROOT / "app").rglob("*.py")))


def test_the_docs_name_every_refusal_and_no_other() -> None:
    """Each word that the app may answer is in docs/errors.md with its status, once; none there is made up."""
    told = from_docs()

    assert set(told) == from_code()
    assert len(told) == len(set(told))


def test_bolt_still_answers_so() -> None:
    """What the docs tell of Bolt's own answers is what Bolt's dispatch answers with."""
    source = inspect.getsource(AsyncApp.async_dispatch)
    for status, word in BY_BOLT:
        assert f'BoltResponse(status={status}, body={{"error": "{word}"}})' in source


def test_a_word_has_one_status() -> None:
    """A word means one thing, so it comes with one status, and that is an error."""
    found = from_code()

    assert len({word for _, word in found}) == len(found)
    assert all(400 <= HTTPStatus(status) < 600 for status, _ in found)


def test_no_word_comes_with_a_500() -> None:
    """No input whatever is answered with a 500."""
    assert 500 not in {status for status, _ in from_code()}


def test_refusals_are_found_however_they_are_made() -> None:
    """The search finds a word that is raised, returned, chosen, or given to a function that makes the refusal."""
    source = """
def _refusal(word): return RefusedError(400, word)
def failure(word): return BoltResponse(status=503, body={"error": word})
def one(): raise RefusedError(413, "large")
def two(): raise _refusal("bad")
def three(x): return failure("left" if x else "right")
def four(): return BoltResponse(status=404, body={"error": "none"})
def five(): return BoltResponse(status=200)
"""
    expected = {(413, "large"), (400, "bad"), (503, "left"), (503, "right"), (404, "none")}

    assert set(refusals(source)) == expected
