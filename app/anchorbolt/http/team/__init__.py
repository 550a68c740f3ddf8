"""A team's own routes on the public port, and what is started and ended with them (ROUTES; docs/routes.md)."""
