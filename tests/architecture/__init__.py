"""What the code looks like as a whole; the order of the layers is import-linter's (pyproject.toml)."""
