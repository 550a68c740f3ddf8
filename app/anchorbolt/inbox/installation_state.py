"""The states of an installation: they are stored with it, and stats.py counts installations by them."""

from __future__ import annotations

from enum import StrEnum


class InstallationState(StrEnum):
    """Whether tokens can be used. `REINSTALL_NEEDED`: they cannot be refreshed or decrypted any more."""

    INSTALLED = "installed"
    REINSTALL_NEEDED = "reinstall_needed"
