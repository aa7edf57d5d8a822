"""What mail needs beside a mail server: work in the background, and limits per user."""

from dataclasses import dataclass, field

from fieldline.kit.background import Background
from fieldline.mail.mailer import Mailer
from fieldline.security.attempts import AttemptLimit

HOUR_MS = 60 * 60 * 1_000
RESETS_PER_HOUR = 5
"""Of one user: mails with a reset link; and how often such a link is followed."""


def _per_hour() -> AttemptLimit:
    return AttemptLimit(RESETS_PER_HOUR, HOUR_MS)


@dataclass(frozen=True, slots=True)
class Mailing:
    """The way out for mails. ``mailer`` is None when no mail server is set."""

    mailer: Mailer | None = None
    background: Background = field(default_factory=Background)
    reset_mails: AttemptLimit = field(default_factory=_per_hour)
    reset_visits: AttemptLimit = field(default_factory=_per_hour)
