"""Promises of one package each, without a network or a database of their own."""
