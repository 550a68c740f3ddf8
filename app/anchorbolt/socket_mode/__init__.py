"""Socket Mode: connections to Slack that this process opens, and the envelopes that arrive over them."""
