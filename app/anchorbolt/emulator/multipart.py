"""Reads a body of the type multipart/form-data, which clients send where a call holds a file."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message


def parts(content_type: bytes, body: bytes) -> tuple[dict[str, str], list[bytes]]:
    """The fields of a form and the contents of its files. A body that cannot be read has neither."""
    read = message_from_bytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    files: list[bytes] = []
    found = read.get_payload()
    for part in found if isinstance(found, list) else ():
        content = part.get_payload(decode=True) if isinstance(part, Message) else None
        if not isinstance(part, Message) or not isinstance(content, bytes):
            continue
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            files.append(content)
        elif isinstance(name, str):
            fields[name] = content.decode("utf-8", "replace")
    return fields, files
