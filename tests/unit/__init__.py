"""Promises of one room each, without a network or a database of their own."""
