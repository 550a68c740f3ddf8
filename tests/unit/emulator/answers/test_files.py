"""An upload in three steps: its address, its content, and the message that shares it."""

from __future__ import annotations

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.state.files import CONTENT_KEPT_BYTES, Files
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.answers.conftest import Call

EVERY_BYTE = bytes(range(256))


async def test_an_uploaded_file_is_shared_and_read(call: Call, web: AsyncWebClient) -> None:
    """files_upload_v2 of either client uploads bytes that are read again, and shares them in a message."""
    # 1. Uploaded with a comment into a thread.
    uploaded = await call(
        "files_upload_v2", channel="C1", thread_ts="1.2", filename="a.png", content=EVERY_BYTE, initial_comment="See"
    )
    file = uploaded["file"]
    assert (file["size"], file["mimetype"], file["channels"]) == (256, "image/png", ["C1"])
    # 2. The message is in the thread, and the file is where it says.
    (message,) = (await web.conversations_replies(channel="C1", ts="1.2"))["messages"]
    assert (message["text"], message["files"][0]["id"]) == ("See", file["id"])
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.get(file["url_private"])).content == EVERY_BYTE
    # 3. It is listed until it is deleted.
    assert (await call("files_info", file=file["id"]))["file"]["title"] == uploaded["file"]["title"]
    assert [one["id"] for one in (await call("files_list", channel="C1"))["files"]] == [file["id"]]
    await call("files_delete", file=file["id"])
    with pytest.raises(SlackApiError, match="file_not_found"):
        await call("files_info", file=file["id"])


async def test_a_file_in_a_direct_message_is_shared_privately(call: Call) -> None:
    """A share in a direct message stands under `private`, where apps look for it until the file is shared."""
    uploaded = await call("files_upload_v2", channel="D1", filename="a.png", content=EVERY_BYTE)
    shares = (await call("files_info", file=uploaded["file"]["id"]))["file"]["shares"]
    assert list(shares) == ["private"]
    assert list(shares["private"]) == ["D1"]


async def test_a_form_uploads_as_well(slack: Emulator, web: AsyncWebClient) -> None:
    """A client that sends the content as a form's file uploads the same bytes."""
    answer = await web.files_getUploadURLExternal(filename="b.bin", length=256)
    async with httpx.AsyncClient(verify=False) as client:
        sent = await client.post(answer["upload_url"], files={"file": ("b.bin", EVERY_BYTE)})
    assert sent.status_code == 200
    done = await web.files_completeUploadExternal(files=[{"id": answer["file_id"], "title": "B"}])
    assert done["files"][0]["size"] == 256
    assert slack.workspace.files.content(answer["file_id"]) == EVERY_BYTE


async def test_what_was_never_uploaded_cannot_be_completed(web: AsyncWebClient) -> None:
    """An upload without content, or with an unknown id, is refused; and no content goes to an unknown address."""
    answer = await web.files_getUploadURLExternal(filename="b.bin", length=3)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await web.files_completeUploadExternal(files=[{"id": answer["file_id"], "title": "B"}])
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await web.files_getUploadURLExternal(filename="b.bin", length=0)
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.post(f"{answer['upload_url']}x", content=b"abc")).status_code == 404


def test_contents_are_bounded() -> None:
    """Files of more bytes than are kept push out the content that was stored first, and the file stays known."""
    files = Files()
    first, second = (files.begin({"filename": "x"}, "http://x", 0.0) for _ in range(2))
    files.receive(first, bytes(CONTENT_KEPT_BYTES))
    files.receive(second, b"x")
    assert (files.content(first.id), files.content(second.id)) == (None, b"x")
    assert files.find(first.id) is first


async def test_two_files_are_one_message(web: AsyncWebClient) -> None:
    """Several files that are shared at once are in one message."""
    uploads = [{"filename": name, "content": name} for name in ("a.txt", "b.txt")]
    await web.files_upload_v2(channel="C2", file_uploads=uploads)
    (message,) = (await web.conversations_history(channel="C2"))["messages"]
    assert [file["name"] for file in message["files"]] == ["a.txt", "b.txt"]
