"""The examples in docs/testing.md that need no process of their own; tests/integration/kit runs the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from anchorbolt.delivery import Delivery, parse
from anchorbolt.emulator.requests import build

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
(REQUESTS,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


async def test_the_app_in_the_place_of_bolts_is_used_as_documented() -> None:
    """The code under "In the place of `AsyncApp`", as it is written there, is a test that passes."""
    section = PAGE.read_text().partition("## In the place of `AsyncApp`")[2]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    await names["test_deploy"]()


@pytest.mark.parametrize("request_", yaml.safe_load(REQUESTS), ids=str)
def test_every_documented_request_is_one(request_: dict[str, Any]) -> None:
    """What the page shows of the format can be sent."""
    sample = build(request_)
    assert isinstance(parse(sample.body, sample.content_type), Delivery)
