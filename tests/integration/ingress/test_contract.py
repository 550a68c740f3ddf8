"""One contract: every proxy computes the conversation that the app computes, from the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from anchorbolt.delivery import Control, parse
from anchorbolt.errors import RefusedError
from hypothesis import HealthCheck, given, settings

from tests.integration.ingress.payloads import DEEP, HOSTILE, SAMPLES, Request, corpus, generated, raw_form
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import those
from tests.integration.ingress.proxies.nginx import Nginx
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.shapes import HOSTILE_FORMS, HOSTILE_JSON, normal_event, normal_form
from tests.integration.ingress.wire import FORM, JSON, Answered, Slack, until

# Where a proxy gives up (MOST_SIGNS in Lua, MOST_COMMAS and MOST_OPENED in njs) on JSON that the app takes. What is
# lost is locality: any pod may have the request, and order and idempotency rest on the inbox. Never correctness.
BEYOND_BOTH = {
    "pairs of brackets",
    "nests of brackets",
    "nests of braces",
    "objects",
    "wanted objects",
    "empty strings",
}
BEYOND_BOTH |= {"many keys", "many different keys", "numbers, then wanted objects", "backslashes, then objects"}
BEYOND_LUA = BEYOND_BOTH | {"escaped quotes", "one name again and again"}
BEYOND_LUA |= {"objects at njs's bounds", "different names at njs's bound"}
BEYOND_NJS = BEYOND_BOTH | {"numbers", "commas in text", "commas beyond ASCII"}
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@pytest.fixture(scope="module", params=those())
def everybody(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Each proxy in its turn, one process for all requests of this file."""
    kind: type[Proxy] = request.param
    kind.require()
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(2).running())
        yield stack.enter_context(kind(cluster, tmp_path_factory.mktemp(kind.name)).running())


def by_the_app(request: Request) -> str | None:
    """The app's conversation; None for a control request. Raises RefusedError for what it refuses."""
    media_type = request.content_type.split(";")[0].strip().lower()
    if media_type not in {JSON, FORM}:
        raise RefusedError(415, "bad_content_type")
    found = parse(request.body, media_type)
    return None if isinstance(found, Control) else found.conversation


def by_the_proxy(proxy: Proxy, request: Request) -> str | None:
    """What a pod was told. On a busy machine health checks may fail for a moment: then the proxy is asked again."""
    answers: list[Answered] = []

    def served() -> bool:
        with Slack(proxy.port) as slack:
            answers.append(slack.send(request.body, request.content_type))
        return answers[-1].status != 503

    until(served, f"{proxy.name} serves {request}", proxy.log)
    assert answers[-1].status == 200, (proxy.name, request)
    return answers[-1].told["conversation"] or None


def agree(proxy: Proxy, request: Request) -> None:
    """The proxy says what the app says. Where the app refuses the request, any identifier or none will do."""
    told = by_the_proxy(proxy, request)
    try:
        wanted = by_the_app(request)
    except RefusedError:
        assert told is None or IDENTIFIER.fullmatch(told), (proxy.name, request)
        return
    assert told == wanted, (proxy.name, request)


@pytest.mark.parametrize("request_", SAMPLES + HOSTILE, ids=lambda request: request.name)
def test_every_proxy_and_the_app_agree(everybody: Proxy, request_: Request) -> None:
    """Samples of every kind, and requests made to be misread, have one conversation everywhere."""
    agree(everybody, request_)


def test_the_samples_say_something() -> None:
    """Of the requests above most have a conversation by the app: to agree on nothing proves nothing."""
    found = []
    for request in SAMPLES + HOSTILE:
        try:
            found.append(by_the_app(request))
        except RefusedError:
            continue
    assert len(found) >= 80
    assert len([name for name in found if name]) >= 60
    assert not any(name and "DECOY" in name for name in found)


def test_every_proxy_and_the_app_agree_on_the_corpus(everybody: Proxy) -> None:
    """So do the payloads beside the repository, where they are."""
    for request in corpus():
        agree(everybody, request)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(request=generated())
def test_every_proxy_and_the_app_agree_on_what_nobody_thought_of(everybody: Proxy, request: Request) -> None:
    """So do 150 requests with the names that matter in every place, twice, escaped and spaced."""
    agree(everybody, request)


def test_deep_nesting_costs_locality_only(everybody: Proxy) -> None:
    """60 levels deep, nginx finds no conversation and any pod has the request; the others agree with the app."""
    if isinstance(everybody, Nginx):
        assert by_the_proxy(everybody, DEEP) is None
    else:
        agree(everybody, DEEP)


@pytest.mark.parametrize("fields", [201, 129_000])
def test_a_form_of_more_than_200_fields_has_no_conversation(everybody: Proxy, fields: int) -> None:
    """The app refuses it; no proxy looks further than the two hundredth field."""
    assert (
        by_the_proxy(everybody, raw_form(f"{fields} fields", "command=%2Fx&channel_id=C1" + "&" * (fields - 2))) is None
    )


@pytest.mark.parametrize(
    "request_", [normal_event(), normal_form(), *HOSTILE_JSON, *HOSTILE_FORMS], ids=lambda request: request.name
)
def test_every_proxy_and_the_app_agree_on_what_is_meant_to_cost_much(everybody: Proxy, request_: Request) -> None:
    """So do 129 kB of any shape, save those above, for which that proxy finds none."""
    if request_.name in (BEYOND_NJS if isinstance(everybody, Nginx) else BEYOND_LUA):
        assert by_the_proxy(everybody, request_) is None
    else:
        agree(everybody, request_)
