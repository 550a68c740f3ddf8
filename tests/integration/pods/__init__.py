"""Several processes of the app on one PostgreSQL: takeover, hand-back, order, and a database that goes away."""
