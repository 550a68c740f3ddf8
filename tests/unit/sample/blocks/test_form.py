"""The form asks for what an approval needs, and remembers where it was opened."""

import json

from anchorbolt_sample.blocks.form import form


def test_the_form_asks_for_what_an_approval_needs() -> None:
    """Title, category and approver are asked; the options of the category come from the app, from the first look on."""
    view = form().to_dict()
    assert [(block["block_id"], block["element"]["type"]) for block in view["blocks"]] == [
        ("title", "plain_text_input"),
        ("category", "external_select"),
        ("approver", "users_select"),
    ]
    assert view["blocks"][1]["element"]["min_query_length"] == 0


def test_the_form_begins_with_what_is_known() -> None:
    """A title that is known is filled in; without one, the field is empty and not the empty string Slack refuses."""
    assert form("A desk").to_dict()["blocks"][0]["element"]["initial_value"] == "A desk"
    assert "initial_value" not in form().to_dict()["blocks"][0]["element"]


def test_the_form_remembers_the_message_it_is_about() -> None:
    """Link and title come back with the form's private metadata."""
    assert json.loads(form("A desk", "https://l").to_dict()["private_metadata"]) == {
        "title": "A desk",
        "link": "https://l",
    }


def test_the_form_reports_that_it_was_closed() -> None:
    """Slack sends view_closed only for a view that asks for it."""
    assert form().to_dict()["notify_on_close"] is True
