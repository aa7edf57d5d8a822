"""What users are mailed."""

from fieldline.mail import letter
from fieldline.mail.letter import Link
from fieldline.mail.mailer import Mail

MINUTE_MS = 60 * 1_000
HOUR_MS = 60 * MINUTE_MS


def activation(email: str, base_url: str, link: str, ttl_ms: int) -> Mail:
    """Ask a new user to choose a password."""
    paragraphs = (
        f"An account was made for {email} at {base_url}.",
        Link("Choose a password to activate it", link),
        f"The link works for {_hours(ttl_ms)}. Later, ask your administrator for a new one.",
    )
    return letter.write(email, "Activate your account", paragraphs)


def activated(email: str, base_url: str) -> Mail:
    """Tell a user that the account is active."""
    paragraphs = (f"Your account {email} is active: you can log in at {base_url}.",)
    return letter.write(email, "Your account is active", paragraphs)


def reset(email: str, base_url: str, link: str, ttl_ms: int) -> Mail:
    """Let a user who forgot the password choose a new one."""
    paragraphs = (
        f"Somebody, we hope you, asked for a new password of {email} at {base_url}.",
        Link("Choose a new password", link),
        f"The link works once, for {_hours(ttl_ms)}.",
        "If it was not you, do nothing: your password stays as it is.",
    )
    return letter.write(email, "Reset your password", paragraphs)


def password_was_reset(email: str, base_url: str) -> Mail:
    """Tell a user that there is a new password."""
    paragraphs = (
        f"The password of {email} at {base_url} was just reset.",
        "Everybody who was logged in with the old one was logged out.",
        "If it was not you, tell your administrator at once.",
    )
    return letter.write(email, "Your password was reset", paragraphs)


def _hours(ttl_ms: int) -> str:
    """Say a time in whole hours, at least one; a minute that has passed already does not count."""
    hours = max(1, (ttl_ms + MINUTE_MS) // HOUR_MS)
    return "1 hour" if hours == 1 else f"{hours} hours"
