"""A serving process does not look again and again for garbage in what stays for good."""

from __future__ import annotations

import pytest

from tests.integration.app.conftest import StartApp
from tests.support.metrics_page import MetricsPage

# Python's own threshold is 700 (2,000 from 3.14 on): several collections a request.
FEW = 10_000
# What the master alone has imported are some 10,000 objects, and all that serves 100,000.
MANY = 50_000


@pytest.mark.usefixtures("started_apps")  # what is forked begins with what the fork server has frozen
async def test_collections_are_rare_and_pass_over_what_stays(start_app: StartApp) -> None:
    """Master and worker freeze what they have imported; the worker adds the app that it has built before it serves."""
    app = start_app(LISTENERS="tests.integration.app.collector_listeners")
    await app.until_ready()
    page = await MetricsPage.of(app)
    # 1. The team's modules are imported when all that serves is frozen.
    by_imports = page.value("test_frozen_at_import")
    assert by_imports > MANY
    assert page.value("test_threshold_at_import") >= FEW
    # 2. When it serves, the app is frozen too.
    assert page.value("test_frozen") > by_imports
    assert page.value("test_threshold") >= FEW
