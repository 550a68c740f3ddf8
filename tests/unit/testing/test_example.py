"""The example in docs/listeners.md of how a team tests its listeners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LISTENERS = Path(__file__).parents[3] / "docs" / "listeners.md"


async def test_the_example_in_the_documentation_passes() -> None:
    """The code under "Testing your listeners", as it is written there, is a test that passes."""
    section = LISTENERS.read_text().partition("## Testing your listeners")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(LISTENERS), "exec"), names)
    await names["test_deploy"]()
