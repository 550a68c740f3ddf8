"""Reads the installations that an app has saved with slack_sdk: in a database by SQLAlchemy, or in files."""
