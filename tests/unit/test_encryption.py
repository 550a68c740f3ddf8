"""Texts are encrypted with the first key, decrypted with any, and bound to their place."""

from __future__ import annotations

import base64

import pytest
from anchorbolt.encryption import Keys, is_encrypted, parse
from anchorbolt.errors import UndecryptableError

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_text_comes_back() -> None:
    """What was encrypted decrypts to itself, and holds nothing of the text; twice the same is not the same."""
    keys = Keys([NEW])
    sealed = keys.encrypt("xoxb-secret é", "a/b")

    assert is_encrypted(sealed)
    assert "secret" not in sealed
    assert keys.decrypt(sealed, "a/b") == "xoxb-secret é"
    assert keys.encrypt("xoxb-secret é", "a/b") != sealed


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    """After a new key was put first, what the old one encrypted still decrypts, and is told from what is current."""
    before = Keys([OLD]).encrypt("text", "a")
    both = Keys([NEW, OLD])
    after = both.encrypt("text", "a")

    assert both.decrypt(before, "a") == both.decrypt(after, "a") == "text"
    assert (both.is_current(before), both.is_current(after)) == (False, True)


def test_a_text_of_another_place_does_not_decrypt() -> None:
    """A ciphertext that was copied to another place is refused."""
    keys = Keys([NEW])

    with pytest.raises(UndecryptableError, match="another place"):
        keys.decrypt(keys.encrypt("text", "installation/T1/bot_token"), "installation/T2/bot_token")


@pytest.mark.parametrize("changed", ["enc1:", "enc1:{name}:", "enc1:{name}:AAAA", "enc1:{name}:no base64!"])
def test_a_text_that_was_changed_does_not_decrypt(changed: str) -> None:
    """Whatever is in its place, the error is the one that says so."""
    keys = Keys([NEW])
    name = keys.encrypt("text", "a").split(":")[1]

    with pytest.raises(UndecryptableError):
        keys.decrypt(changed.format(name=name), "a")


def test_a_missing_key_is_named() -> None:
    """The error names the key that is missing, which is not the key itself."""
    sealed = Keys([OLD]).encrypt("text", "a")

    with pytest.raises(UndecryptableError, match=sealed.split(":")[1]):
        Keys([NEW]).decrypt(sealed, "a")


def test_without_keys_nothing_changes() -> None:
    """Texts stay as they are, and a text that was stored without keys is read with keys too."""
    assert Keys().encrypt("{}", "a") == "{}"
    assert not Keys()
    assert Keys([NEW]).decrypt("{}", "a") == "{}"


@pytest.mark.parametrize(("value", "said"), [("no base64!", "Base64"), ("c2hvcnQ=", "5 bytes")])
def test_a_wrong_key_is_refused_without_showing_it(value: str, said: str) -> None:
    """The error says what is wrong, and never the value."""
    with pytest.raises(ValueError, match=said) as caught:
        parse(value)

    assert value not in str(caught.value)


def test_several_keys_are_read() -> None:
    """They are separated by commas, the first first."""
    value = ", ".join(base64.b64encode(key).decode() for key in (NEW, OLD))

    assert parse(value) == (NEW, OLD)
