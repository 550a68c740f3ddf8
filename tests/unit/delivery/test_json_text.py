"""JSON as Slack sends it: read and written compactly, also where orjson refuses what JSON allows."""

from __future__ import annotations

import pytest
from anchorbolt.delivery import json_text

HALF_OF_A_PAIR = {"text": "\ud800", "list": [1, 2]}


def test_half_of_a_surrogate_pair_is_written_and_read() -> None:
    """It is written as compactly as everything else, and read again as it was."""
    text = json_text.write(HALF_OF_A_PAIR)
    assert text == '{"text":"\\ud800","list":[1,2]}'
    assert json_text.read(text) == HALF_OF_A_PAIR


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_refused(number: str) -> None:
    """The standard library would read these words as numbers: no JSON that another program reads may hold them."""
    with pytest.raises(ValueError, match="no JSON"):
        json_text.read(f'{{"a": {number}}}')


def test_what_is_nested_too_deep_is_refused() -> None:
    """Whoever sends a million brackets gets a refusal, and no RecursionError."""
    deep: object = "\ud800"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deep"):
        json_text.write(deep)
    with pytest.raises(ValueError, match="nested too deep"):
        json_text.read("[" * 1_000_000)
