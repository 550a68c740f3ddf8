"""The check that tests state promises finds those that state none."""

from __future__ import annotations

import pytest

from tests.promises import without_promise


@pytest.mark.parametrize(
    "source",
    [
        "def test_x(): pass",
        "async def test_x(): pass",
        "def test_x():\n    ''",
        "def test_x():\n    'Works.'",
        "def test_x():\n    'It works as it is meant to'",
        "class TestX:\n    pass",
        "class TestX:\n    'The X is as it should be.'\n    def test_y(self): pass",
    ],
)
def test_a_test_without_a_sentence_is_found(source: str) -> None:
    """A missing, empty, short or unfinished docstring is named."""
    assert len(list(without_promise(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def test_x():\n    'What is sent arrives in order.'",
        "def test_x():\n    '''What is sent arrives\n    in order.\n\n    More words'''",
        "def helper(): pass",
    ],
)
def test_a_test_with_a_sentence_is_fine(source: str) -> None:
    """A sentence, on one line or on several, is a promise; a helper needs none."""
    assert not list(without_promise(source))
