"""Writes a mail as plain text and as simple HTML from the same words."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from fieldline.mail.mailer import Mail


@dataclass(frozen=True, slots=True)
class Link:
    """A paragraph that is a link: shown as ``label`` where HTML is, else as the address."""

    label: str
    url: str


def write(to: str, subject: str, paragraphs: Sequence[str | Link]) -> Mail:
    """Return a mail with these paragraphs; what they hold is shown as text, never as markup."""
    text = "\n\n".join(_as_text(part) for part in paragraphs) + "\n"
    body = "".join(f"<p>{_as_html(part)}</p>\n" for part in paragraphs)
    return Mail(to, subject, text, f"<!DOCTYPE html>\n<html><body>\n{body}</body></html>\n")


def _as_text(part: str | Link) -> str:
    return f"{part.label}:\n{part.url}" if isinstance(part, Link) else part


def _as_html(part: str | Link) -> str:
    if isinstance(part, Link):
        return f'<a href="{escape(part.url)}">{escape(part.label)}</a>'
    return escape(part)
