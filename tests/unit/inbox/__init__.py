"""Parts of the inbox without a database; all the rest of it is in tests/contract."""
