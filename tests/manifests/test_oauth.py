"""The component `oauth` switches installation by users on, in every pod that runs the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anchorbolt.errors import InvalidSettingsError
from anchorbolt.lifecycle.start import require_needed
from anchorbolt.settings.model import Settings

from tests.manifests.render import Manifest, containers, overlay, pods, render, settings_of

SECRETS = {
    "slack_signing_secret": "s",
    "slack_client_secret": "c",
    "token_keys": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
    "database_url": "postgresql://anchorbolt@db/anchorbolt",
}


@pytest.fixture(scope="module")
def installed() -> tuple[Manifest, ...]:
    """A team's folder with the component."""
    return tuple(render(Path(__file__).parent / "installed"))


def settings(manifests: tuple[Manifest, ...], **secrets: Any) -> Settings:
    """What the pods read, with these values in the Secret."""
    [ours] = [one for one in manifests if one["metadata"]["name"].startswith("anchorbolt-oauth-")]
    told = settings_of(manifests) | {"LISTENERS": "acme.listeners"} | ours["data"]
    return Settings(
        **{name.lower(): value for name, value in told.items()}, **{"slack_bot_token": None, **secrets}, _env_file=None
    )


def test_the_app_starts_with_what_the_secret_is_said_to_hold(installed: tuple[Manifest, ...]) -> None:
    """With the team's ConfigMap beside it nothing is missing, and users can install."""
    found = settings(installed, **SECRETS)
    require_needed(found)
    assert found.installs
    assert (found.public_url, found.slack_client_id) == ("https://bot.acme.example", "1234567890.1234567890")
    assert found.slack_scopes == "app_mentions:read,chat:write"


@pytest.mark.parametrize("missing", ["slack_client_secret", "token_keys"])
def test_a_secret_that_lacks_a_key_ends_the_start(installed: tuple[Manifest, ...], missing: str) -> None:
    """With the name of the setting."""
    with pytest.raises(InvalidSettingsError, match=missing.upper()):
        require_needed(settings(installed, **{name: value for name, value in SECRETS.items() if name != missing}))


def test_every_pod_that_runs_the_app_has_it(installed: tuple[Manifest, ...]) -> None:
    """Workers need the tokens as receivers do: both read the ConfigMap by its generated name, which rolls them."""
    asked = {
        workload: [one["configMapRef"]["name"] for one in container["envFrom"]]
        for workload, pod in pods(installed).items()
        for container in containers(pod)
        if container["name"] == "app"
    }
    assert set(asked) == {"StatefulSet/anchorbolt", "Deployment/anchorbolt-worker"}
    for names in asked.values():
        assert [name.rsplit("-", 1)[0] for name in names] == ["anchorbolt-settings", "anchorbolt-oauth"]


def test_the_component_adds_nothing_else(installed: tuple[Manifest, ...]) -> None:
    """The way out to Slack, and the ports, are there already."""

    def names(manifests: tuple[Manifest, ...]) -> set[tuple[str, str]]:
        return {(one["kind"], one["metadata"]["name"]) for one in manifests}

    [(kind, name)] = names(installed) - names(overlay("workers"))
    assert (kind, name.rsplit("-", 1)[0]) == ("ConfigMap", "anchorbolt-oauth")
