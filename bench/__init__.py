"""Benches: what this app costs beside its peers, measured in one run. No test depends on a number from here."""
