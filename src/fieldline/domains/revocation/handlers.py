"""Keeps the tokens' memory of what is outdated up to date."""

from fieldline.messaging.bus import Bus
from fieldline.messaging.events import TokensRevoked
from fieldline.security.tokens import Tokens


def listen(bus: Bus, tokens: Tokens) -> None:
    """Tell ``tokens`` every revocation once it is committed."""

    def on_revoked(event: TokensRevoked) -> None:
        tokens.outdate(event.subject_id, event.before_ms, event.forget_ms)
        for session_id in event.replaces:
            tokens.forget(session_id)

    bus.listen(TokensRevoked, on_revoked)
