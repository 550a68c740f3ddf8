"""Prepares requests before a run: raw HTTP bytes with a signature of their own, so that sending one costs a write."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote_plus

from bench.listeners.plan import Kind

SIGNING_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
PATH = b"/slack/events"
WORKSPACE = b"T0BENCH001"
# How many jobs lie between a message and the reply to it: some 100 ms at the rates measured here.
REPLIES_AFTER = 200

# As Slack sends them: 1.4 kB for a short message in a channel, 0.5 kB for a command.
_EVENT = (
    b'{"token":"ZZZZZZWSxiZZZ2yIvs3peJ","team_id":"T0BENCH001","context_team_id":"T0BENCH001",'
    b'"context_enterprise_id":null,"api_app_id":"A0BENCH001","event":{"client_msg_id":"%(msg)s","type":"%(name)s",'
    b'"text":"job-%(job)09d","user":"U0BENCH%(user)03d","ts":"%(ts)s",%(thread)s"blocks":[{"type":"rich_text","block_id":'
    b'"Xk1zP","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"job-%(job)09d"},'
    b'{"type":"text","text":"  what is the state of the deploy? the pager says that two of the pods "},'
    b'{"type":"user","user_id":"U0BENCH999"},{"type":"text","text":" looked at are not ready"}]}]}],'
    b'"team":"T0BENCH001","channel":"C0BENCH%(channel)03d","event_ts":"%(ts)s","channel_type":"channel"},'
    b'"type":"event_callback","event_id":"Ev0BENCH%(job)09d","event_time":%(now)d,"authorizations":[{"enterprise_id":null,'
    b'"team_id":"T0BENCH001","user_id":"U0BENCHBOT","is_bot":true,"is_enterprise_install":false}],'
    b'"is_ext_shared_channel":false,"event_context":"4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEJFTkNIMDAxIiwiYWlkIjoiQTBCR'
    b'U5DSDAwMSIsImNpZCI6IkMwQkVOQ0gwMDEifQ"}'
)
_COMMAND = (
    b"token=ZZZZZZWSxiZZZ2yIvs3peJ&team_id=T0BENCH001&team_domain=bench&channel_id=C0BENCH%(channel)03d"
    b"&channel_name=deploys&user_id=U0BENCH%(user)03d&user_name=ada&command=%(name)s&text=job-%(job)09d"
    b"&api_app_id=A0BENCH001&is_enterprise_install=false"
    b"&response_url=https%%3A%%2F%%2Fhooks.slack.com%%2Fcommands%%2FT0BENCH001%%2F1%%2Fx"
    b"&trigger_id=%(now)d.%(job)09d.8fca4e7d0b6f4f"
)
_HEAD = (
    b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip,deflate\r\nContent-Type: %s\r\nX-Slack-Request-Timestamp: %d\r\n"
    b"X-Slack-Signature: v0=%s\r\nContent-Length: %d\r\n\r\n"
)


def prepare(
    kind: Kind,
    names: Sequence[str],
    first_job: int,
    count: int,
    workspace: Callable[[int], bytes] = lambda _: WORKSPACE,
) -> list[bytes]:
    """Requests for the jobs `first_job`, `first_job + 1`, ...: spread over `names`, 500 channels and 300 users.

    `workspace`: the id of the workspace that the job is of whose number is given, and all replies to its message.

    A job's number is its text, and a part of its idempotency key: each is a new delivery. One event in four is a reply
    in the thread of an earlier one, so that some lanes meet.
    """
    now = int(time.time())
    if kind == "event":
        template, content_type = _EVENT, b"application/json"
        encoded = [name.encode() for name in names]
    else:
        template, content_type = _COMMAND, b"application/x-www-form-urlencoded"
        encoded = [quote_plus(name).encode() for name in names]
    requests = []
    for job in range(first_job, first_job + count):
        replies = job % 4 == 3
        parent = job - REPLIES_AFTER if replies else job
        body = template % {
            b"name": encoded[job % len(encoded)],
            b"job": job,
            b"now": now,
            b"ts": _ts(job),
            b"thread": b'"thread_ts":"%s",' % _ts(parent) if replies else b"",
            b"channel": parent % 500,
            b"user": job % 300,
            b"msg": b"a1b2c3d4-0000-4000-8000-%012d" % job,
        }
        if (of := workspace(parent)) != WORKSPACE:
            body = body.replace(WORKSPACE, of)
        signature = hmac.digest(SIGNING_SECRET, b"v0:%d:%s" % (now, body), "sha256").hex().encode()
        requests.append(_HEAD % (PATH, content_type, now, signature, len(body)) + body)
    return requests


def _ts(job: int) -> bytes:
    return b"%d.%06d" % (1_760_000_000 + job // 1000, job % 1000 * 997)
