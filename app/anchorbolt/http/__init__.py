"""HTTP in: what Slack posts to /slack/events, and the ack that it waits for."""
