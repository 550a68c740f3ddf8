"""A release with a change of the schema, and the way back. bench/upgrade.py is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.postgresql import PostgreSQL
from tests.support.upgrade.play import Upgrade
from tests.support.upgrade.releases import OLD_COMMIT, old_release


@pytest.mark.timeout(300)
async def test_nothing_is_lost_on_the_way_to_the_new_schema_and_back(own_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Old pods, the migration, old and new pods together, new ones, and old ones again, with kills on both ways: every
    acknowledged event ends, in its order, and nothing runs twice that was not cut short; nor what was cancelled."""
    old = old_release(tmp_path)
    if old is None:
        pytest.skip(f"the history of this clone has no {OLD_COMMIT}: git fetch --unshallow")
    report = await Upgrade(old, own_postgres, tmp_path, seconds=1, rate=20).play()
    print(report.counts())  # noqa: T201 - for whoever looks at a failure
    assert report.problems() == []
    # The kills were real: both releases lost runs to them.
    assert report.findings.doubled["kill"] >= 4
