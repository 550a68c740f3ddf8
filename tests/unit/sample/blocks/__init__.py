"""Promises of the Block Kit builders."""
