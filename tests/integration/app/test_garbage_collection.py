"""A serving process does not look again and again for garbage in what stays for good."""

from __future__ import annotations

import pytest

from tests.integration.app.conftest import StartApp
from tests.support.metrics_page import MetricsPage

# Python's own threshold is 700 (2,000 from 3.14 on): several collections a request.
FEW = 10_000


@pytest.mark.usefixtures("started_apps")  # what is forked begins with what the fork server has frozen
async def test_collections_are_rare_and_pass_over_what_stays(start_app: StartApp) -> None:
    """Before it forks, the master freezes what it has; its worker adds the whole app before it serves."""
    app = start_app(LISTENERS="tests.integration.app.collector_listeners")
    await app.until_ready()
    page = await MetricsPage.of(app)
    # 1. The worker begins with what its master has frozen, so that both share these pages of memory.
    by_the_master = page.value("test_frozen_at_import")
    assert by_the_master > 0
    assert page.value("test_threshold_at_import") >= FEW
    # 2. When it serves, the app is frozen too; what was imported since then is more than the master ever had.
    assert page.value("test_frozen") > 2 * by_the_master
    assert page.value("test_threshold") >= FEW
