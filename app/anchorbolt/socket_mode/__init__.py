"""Socket Mode in: a connection that we open to Slack, and the envelopes that come over it."""
