"""What the code looks like as a whole; the order of the rooms itself is import-linter's (pyproject.toml)."""
