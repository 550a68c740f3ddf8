"""Many requests are bounded in number at once, and summed up without a mistake in the percentiles."""

from __future__ import annotations

import asyncio

from anchorbolt.cli.burst import burst, summarize
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.samples import make

SAMPLE = make("message")


def acks(*times: float) -> list[Ack]:
    """Acks that took these milliseconds."""
    return [Ack(SAMPLE, 200, time) for time in times]


def test_percentiles_are_nearest_rank() -> None:
    """Of 1 to 100 ms the median is 50 and the 99th percentile is 99."""
    summary = summarize(acks(*(float(number) for number in range(100, 0, -1))))
    assert (summary.p50_ms, summary.p99_ms, summary.max_ms) == (50, 99, 100)


def test_one_ack_is_every_percentile() -> None:
    """A single ack is the median, the 99th percentile and the worst."""
    summary = summarize(acks(7))
    assert (summary.p50_ms, summary.p99_ms, summary.max_ms) == (7, 7, 7)


def test_refusals_and_failures_are_counted_by_name() -> None:
    """A status is counted as such, a request without an answer by Slack's word for it."""
    mixed = [*acks(1, 2), Ack(SAMPLE, 503, 3, failure="http_error"), Ack(SAMPLE, None, 4, failure="http_timeout")]
    summary = summarize(mixed)
    assert summary.by_status == {"200": 2, "503": 1, "http_timeout": 1}
    assert summary.refused == 2
    assert "200: 2, 503: 1, http_timeout: 1" in str(summary)


async def test_no_more_than_the_bound_are_under_way() -> None:
    """Of ten requests with a bound of three, three are under way at the most, and at some time all three."""
    under_way = most = 0

    async def send_one() -> Ack:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Ack(SAMPLE, 200, 1)

    assert (await burst(send_one, count=10, concurrency=3)).sent == 10
    assert most == 3
