"""Attributes of objects that every request reads or copies, where CPython finds them quickly."""

from __future__ import annotations


def give_own_table(to: object) -> None:
    """Gives an object a table of its own for its attributes.

    CPython lets the objects of a class share the table of their attributes' names. Where the class of an object was
    changed, or its `__dict__` was copied, such a shared table stays, but is read slowly.
    """
    to.__dict__ = dict(to.__dict__)
