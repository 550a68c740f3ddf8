"""The listeners of the bench: the same set for this app and for every Bolt peer."""
