"""Three sites on one machine: PostgreSQL under Patroni in each, and in two of them a pod of the app behind its tier."""
