"""Checks of text that people type: names, titles, labels.

What looks like HTML or a template expression is refused, since names are shown in web pages and
put into mails (ThingsBoard's ``@NoXss``).
"""

import re
from functools import lru_cache
from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.storable import check_storable

MAX_LENGTH = 255
_TAG = re.compile(r"<[A-Za-z/!?]")
# ASCII only: else letters that become these when upper-cased would pass as well.
_EMAIL = re.compile(
    r"[A-Z0-9_!#$%&'*+/=?`{|}~^.-]+@[A-Z0-9.-]+\.[A-Z]{2,}", re.IGNORECASE | re.ASCII
)


def check_text(field: str, value: str | None, max: int = MAX_LENGTH) -> None:  # noqa: A002
    """Check a text that must be there.

    Args:
        field: its name in messages, as ``Device name``.
        value: the text.
        max: most characters.

    Raises:
        Invalid: it is missing, blank, too long, or holds markup, ``{{ }}`` or U+0000.
    """
    if value is None or not value.strip():
        msg = f"{field} should be specified!"
        raise Invalid(msg)
    check_optional_text(field, value, max)


@lru_cache(10_000)
def check_text_once(field: str, value: str) -> None:
    """Check a text that comes again and again; those that are refused are looked at each time.

    Raises:
        Invalid: as :func:`check_text` does.
    """
    check_text(field, value)


def check_optional_text(
    field: str,
    value: str | None,
    max: int | None = MAX_LENGTH,  # noqa: A002
) -> None:
    """Check a text that may be None or empty; ``max`` None means any length."""
    if not value:
        return
    if max is not None and len(value) > max:
        msg = f"Validation error: {field} length must be equal or less than {max}"
        raise Invalid(msg)
    _check_characters(field, value)


def check_json(field: str, value: Any) -> None:  # noqa: ANN401 - JSON is any of its types
    """Check free JSON (``additionalInfo``): its texts in the same way, of any length.

    Raises:
        Invalid: a text in it is refused, or it is not ``storable``, as nested too deep.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _check_characters(field, item)
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    check_storable(field, value)


def check_email(value: str | None) -> None:
    """Check an e-mail address that must be there.

    Raises:
        Invalid: it is missing or has not the form of one.
    """
    check_text("User email", value)
    if value is None or not _EMAIL.fullmatch(value):
        msg = f"Invalid email address format '{value}'!"
        raise Invalid(msg)


def _check_characters(field: str, value: str) -> None:
    if "\0" in value:
        msg = f"Validation error: {field} cannot hold the character U+0000"
        raise Invalid(msg)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        msg = f"Validation error: {field} is not valid Unicode text"
        raise Invalid(msg) from error
    opening = value.find("{{")
    if _TAG.search(value) or (opening >= 0 and value.find("}}", opening + 2) >= 0):
        msg = f"Validation error: {field} is malformed: HTML and {{{{ }}}} are not allowed"
        raise Invalid(msg)
