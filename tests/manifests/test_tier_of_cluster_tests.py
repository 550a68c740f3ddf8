"""What the tests on a cluster change about the tier can still be changed: they run rarely, and would tell late."""

from __future__ import annotations

from tests.cluster import tier


def test_the_tier_can_find_pods_by_address() -> None:
    """As for a Deployment: no server line is left that names a pod by its ordinal."""
    lines = tier.CONFIG.read_text().count("server pod-{ordinal} ")
    assert lines > 0
    assert tier.by_address().count("server-template pod- 10 ") == lines


def test_the_tier_can_name_the_pod_that_answered() -> None:
    """In a header of each answer of the one backend that balances by conversation."""
    assert tier.that_names_pods().count("http-response set-header") == 1
