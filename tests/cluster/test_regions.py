"""Two regions on three sites in a real cluster: k8s/examples/large, with names of this cluster in place of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.regions import Region, start_regions
from tests.cluster.report import Results
from tests.cluster.sites import Sites
from tests.cluster.traffic import nothing_noticed

# The least that shows it: the machine runs three databases, four pods and as many of the tiers beside the load.
RATE = 5


@pytest.fixture(scope="module")
def sites(cluster: Cluster) -> Iterator[Sites]:
    """etcd, Patroni and PostgreSQL in three namespaces."""
    sites = Sites(cluster)
    try:
        sites.start()
        yield sites
    finally:
        sites.stop()


@pytest.fixture(scope="module")
def regions(cluster: Cluster, sites: Sites) -> list[Region]:
    """The regions eu and us on them, ready."""
    return start_regions(cluster, sites)


def test_either_region_answers_every_kind_of_request(regions: list[Region]) -> None:
    """One signed request of every kind is answered by either region; away from home it went there, once."""
    for region in regions:
        played = list(region.play())
        assert {line["kind"]: line["status"] for line in played if line["status"] != 200} == {}
    # Which region is the home of the emulator's workspace, the map says; the other one sent its requests there.
    hopped = [region.counted("hopped") for region in regions]
    assert sorted(hopped)[0] == 0
    assert sorted(hopped)[1] > 0
    assert [region.counted("map_differs") for region in regions] == [0, 0]


def test_a_restart_of_both_regions_is_noticed_by_nobody(regions: list[Region], results: Results) -> None:
    """`kubectl rollout restart` of the pods of either region fails no first answer, and loses nothing."""
    traffic = [region.traffic(RATE) for region in regions]
    for region in regions:
        region.restart("statefulset/anchorbolt")
    accounts = [each.end() for each in traffic]
    for region, account in zip(regions, accounts, strict=True):
        results.account("rollouts", f"region {region.name}: statefulset/anchorbolt of both regions", account)
        nothing_noticed(account)


def test_a_region_is_drained_and_taken_back(regions: list[Region]) -> None:
    """`anchorbolt region drain` in a pod of the other region: its health URL says no, what comes is answered."""
    eu, us = regions
    assert eu.health() == us.health() == 200
    assert "eu" in us.command_line("region", "drain", "eu")
    traffic = eu.traffic(RATE)
    wait_until("the eu says no", lambda: eu.health() == 503, 30)
    assert us.health() == 200
    assert "drained" in us.command_line("region", "status")
    us.command_line("region", "undrain", "eu")
    wait_until("the eu takes traffic", lambda: eu.health() == 200, 30)
    nothing_noticed(traffic.end())


def test_a_planned_switchover_loses_nothing(regions: list[Region], sites: Sites) -> None:
    """`patronictl switchover` in a database pod: events that failed come again, and pods follow by themselves."""
    wait_until("the sites are whole", sites.whole, 120)
    leader = sites.leader()
    candidate = next(site for site in ("eu", "us") if site != leader)
    traffic = regions[0].traffic(RATE)
    sites.patroni(leader, "switchover", "--candidate", candidate, "--force")
    wait_until("the candidate leads", lambda: sites.leader() == candidate, 60)
    wait_until("the sites are whole", sites.whole, 120)
    traffic.go_on_for(10)
    account = traffic.end()
    assert account.lost() == []
    assert account.two_at_once() == []
    assert [one for one in account.never_acknowledged() if one.kind in ("event", "thread")] == []


def test_the_leading_server_is_lost(regions: list[Region], sites: Sites) -> None:
    """The pod of the leading server is gone for a while: another is promoted, and nothing acknowledged is lost."""
    leader = sites.leader()
    traffic = regions[0].traffic(RATE)
    traffic.go_on_for(5)
    sites.lose(leader)
    wait_until("another leads", lambda: sites.leader() not in ("", leader), 90)
    sites.bring_back(leader)
    wait_until("the sites are whole", sites.whole, 180)
    account = traffic.end()
    assert account.lost() == []
    assert account.two_at_once() == []
