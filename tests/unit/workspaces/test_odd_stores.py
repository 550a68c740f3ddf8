"""Values in the stores of slack_sdk that no database takes."""

from __future__ import annotations

import math

import pytest
from anchorbolt.workspaces.stores import values


@pytest.mark.parametrize(("value", "kept"), [("Ac\0me", "Acme"), ("Ac\ud800me", "Ac?me"), ("\0", None), (7, None)])
def test_a_text_can_be_stored(value: object, kept: str | None) -> None:
    """One row with half of a surrogate pair or a null character does not end the import of all others."""
    assert values.text(value) == kept


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_time_that_is_no_number_is_named(value: float) -> None:
    """JSON of Python's may have NaN and Infinity: the row is skipped with its reason, and nothing of it is stored."""
    with pytest.raises(values.BadValueError, match="installed_at is no time"):
        values.seconds(value, "installed_at")
