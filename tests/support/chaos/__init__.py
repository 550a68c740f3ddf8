"""Several processes of the app on one PostgreSQL, Slack's events with retries, faults meanwhile, and an account."""
