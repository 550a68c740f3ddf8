"""The methods about files: an upload in three steps, and what is uploaded."""

from __future__ import annotations

from anchorbolt.emulator.answers.chat import post_message
from anchorbolt.emulator.answers.shape import (
    Answer,
    Answering,
    Arguments,
    decoded,
    failed,
    invalid,
    listed,
    missing,
    number,
)
from anchorbolt.emulator.scene import BOT_USER_ID
from anchorbolt.emulator.state.workspace import Workspace

_PER_PAGE = 100


def upload_url(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Tells where a file is to be uploaded to."""
    refused = missing(arguments, "filename", "length")
    if refused:
        return refused
    if number(arguments, "length") <= 0:
        return invalid("must be greater than 0 [json-pointer:/length]")
    file = workspace.files.begin(arguments, workspace.base, now)
    return {"ok": True, "upload_url": f"{workspace.base}/upload/{file.id}", "file_id": file.id}


def complete_upload(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Ends the upload of files and, with a channel, shares them there in one message."""
    named = decoded(arguments.get("files"))
    if not isinstance(named, list) or not named or not all(isinstance(one, dict) for one in named):
        return invalid("missing required field: files")
    files = [workspace.files.find(one.get("id")) for one in named]
    found = [file for file in files if file is not None and file.is_uploaded]
    if len(found) < len(named):
        return failed("file_not_found")
    channels = listed(arguments.get("channel_id")) + listed(arguments.get("channels"))
    places = [workspace.channels.find(channel) for channel in channels]
    if any(place is None for place in places):
        return failed("channel_not_found")
    for file, one in zip(found, named, strict=True):
        file.title, file.is_complete = str(one.get("title") or file.name), True
        file.channels += [place.id for place in places if place is not None and place.id not in file.channels]
    for channel in channels:
        text = arguments.get("initial_comment") or ", ".join(file.title for file in found)
        said = {"channel": channel, "text": text, "thread_ts": arguments.get("thread_ts")}
        said |= {"blocks": arguments.get("blocks")} if arguments.get("blocks") else {}
        posted = post_message(said, workspace, now)
        if not posted["ok"]:
            return posted
        for file in found:
            file.shares.append((posted["channel"], posted["ts"]))
        if not arguments.get("initial_comment"):
            posted["message"]["text"] = ""
        shown = posted["message"] | {"files": [file.public() for file in found], "upload": True}
        workspace.messages.put(posted["channel"], shown)
    return {"ok": True, "files": [file.public() for file in found]}


def info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A file: `files.info`."""
    file = workspace.files.find(arguments.get("file"))
    if file is None or not file.is_complete:
        return failed("file_not_found")
    return {"ok": True, "file": file.public(), "comments": [], "response_metadata": {"next_cursor": ""}}


def files(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The files of a channel, or all, the newest first, by pages that are numbered from 1."""
    channel, user = arguments.get("channel"), arguments.get("user") or BOT_USER_ID
    found = [file for file in workspace.files.complete() if user == BOT_USER_ID]
    found = [file for file in found if not channel or channel in file.channels]
    size, number_of_page = max(number(arguments, "count", _PER_PAGE), 1), max(number(arguments, "page", 1), 1)
    paging = {"count": size, "total": len(found), "page": number_of_page, "pages": -(-len(found) // size)}
    shown = found[(number_of_page - 1) * size :][:size]
    return {"ok": True, "files": [file.public() for file in shown], "paging": paging}


def delete(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Deletes a file: `files.delete`."""
    return {"ok": True} if workspace.files.delete(str(arguments.get("file") or "")) else failed("file_not_found")


def share_publicly(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes an address of a file that works without a token."""
    file = workspace.files.find(arguments.get("file"))
    if file is None:
        return failed("file_not_found")
    return {"ok": True, "file": file.public() | {"permalink_public": f"{workspace.base}/files/{file.id}/{file.name}"}}


METHODS: dict[str, Answering] = {
    "files.getUploadURLExternal": upload_url,
    "files.completeUploadExternal": complete_upload,
    "files.info": info,
    "files.list": files,
    "files.delete": delete,
    "files.sharedPublicURL": share_publicly,
    "files.revokePublicURL": share_publicly,
}
