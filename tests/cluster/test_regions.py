"""Two regions on three sites in a real cluster: k8s/examples/large, with names of this cluster in place of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.regions import Region, start_regions
from tests.cluster.report import Results
from tests.cluster.restart import restart_under_load
from tests.cluster.sites import Sites
from tests.cluster.traffic import nothing_noticed

# The least that shows it: the machine runs three databases, four pods and as many of the tiers beside the load.
RATE = 5
# Of one region at a time, while its pods are restarted.
BUSY_RATE = 10


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


@pytest.fixture(scope="module")
def home(regions: list[Region]) -> Region:
    """The region that the map names for the load's workspace: the one that was handed what came to the other."""
    for region in regions:
        traffic = region.traffic(RATE)
        traffic.go_on_for(3)
        nothing_noticed(traffic.end())
    (home,) = (region for region in regions if region.counted("hopped") > 0)
    return home


def test_either_region_answers_every_kind_of_request(regions: list[Region], home: Region) -> None:
    """One signed request of every kind is answered by either region; away from home it went there, once."""
    for region in regions:
        played = list(region.play())
        assert {line["kind"]: line["status"] for line in played if line["status"] != 200} == {}
    assert [region for region in regions if region.counted("hopped") > 0] == [home]
    assert [region.counted("map_differs") for region in regions] == [0, 0]


def test_a_restart_of_the_home_region_under_load_is_noticed_by_nobody(
    regions: list[Region], home: Region, results: Results
) -> None:
    """`kubectl rollout restart` of the pods that run everything, at 10 requests a second that come to their region and
    5 that come to the other one, fails no first answer, loses nothing and runs nothing twice."""
    (away,) = (region for region in regions if region is not home)
    traffic = away.traffic(RATE)
    account, timing = restart_under_load(home, "statefulset/anchorbolt", rate=BUSY_RATE)
    by_the_hop = traffic.end()
    results.account("rollouts", "region: statefulset/anchorbolt of the home region", account, **timing)
    results.account("rollouts", "region: the same, requests that came to the other region", by_the_hop)
    nothing_noticed(account)
    nothing_noticed(by_the_hop)
    assert account.moves() > 0  # it was these pods that ran it


def test_a_restart_of_both_regions_is_noticed_by_nobody(regions: list[Region], results: Results) -> None:
    """`kubectl rollout restart` of the pods of either region fails no first answer, and loses nothing."""
    traffic = [region.traffic(RATE) for region in regions]
    for region in regions:
        region.restart("statefulset/anchorbolt")
    accounts = [each.end() for each in traffic]
    for region, account in zip(regions, accounts, strict=True):
        results.account(
            "rollouts", f"region: statefulset/anchorbolt of both regions, requests that came to {region.name}", account
        )
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
    traffic = regions[0].traffic(RATE)
    sites.patroni(leader, "switchover", "--force")
    wait_until("another leads", lambda: sites.leader() not in ("", leader), 60)
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
