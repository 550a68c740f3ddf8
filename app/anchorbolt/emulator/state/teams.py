"""The workspaces that the emulator offers to install the app in. Any other id is one too, with a made-up name."""

from __future__ import annotations

from dataclasses import dataclass

from anchorbolt.emulator.scene import TEAM_DOMAIN, TEAM_ID


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace, or an organization where the id begins with E. `enterprise_id`: what a workspace belongs to."""

    id: str
    name: str
    domain: str
    enterprise_id: str | None = None

    @property
    def is_organization(self) -> bool:
        """Whether it is an Enterprise organization: an installation there is org-wide."""
        return self.id.startswith("E")


TEAMS = {
    team.id: team
    for team in (
        Team(TEAM_ID, "Anchor Works", TEAM_DOMAIN),
        Team("T0HARB0R", "Harbor Works", "harbor-works"),
        Team("T0D0CK", "Dock Works", "dock-works", enterprise_id="E0FLEET"),
        Team("E0FLEET", "Fleet", "fleet"),
    )
}


def find(team_id: str) -> Team:
    """The workspace or organization of an id."""
    return TEAMS.get(team_id) or Team(team_id, f"Workspace {team_id}", team_id.lower())
