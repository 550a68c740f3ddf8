"""The inbox: what Slack was told is done, stored until it is."""
