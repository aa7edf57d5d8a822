"""Outdates tokens: in the same transaction as the change that is the reason for it."""

from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.engine import emit_after_commit
from fieldline.domains.revocation.models import Revocation
from fieldline.domains.revocation.repository import RevocationRepository
from fieldline.messaging.events import TokensRevoked
from fieldline.security.tokens import Tokens

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_ENDED_SESSIONS = 50
"""Per user; so many log-outs within the life of a refresh token are no person's doing."""


async def revoke(session: "AsyncSession", tokens: Tokens, subject_id: UUID) -> int:
    """Outdate all tokens of a user, customer or tenant; returns the time of it in ms."""
    before_ms, forget_ms = tokens.outdating_now()
    row = Revocation(subject_id=subject_id, before_ms=before_ms, forget_ms=forget_ms)
    await _put(session, row)
    return before_ms


async def end_session(
    session: "AsyncSession", tokens: Tokens, session_id: UUID, user_id: UUID
) -> None:
    """Outdate the tokens of one log-in.

    Of a user with very many ended sessions the oldest is forgotten; instead everything issued to
    the user until its end is outdated, so that neither table nor memory grows by logging out.
    """
    before_ms, forget_ms = tokens.outdating_now()
    ended = Revocation(
        subject_id=session_id, user_id=user_id, before_ms=before_ms, forget_ms=forget_ms
    )
    await _put(session, ended)
    repository = RevocationRepository(session)
    all_ended = await repository.sessions_of(user_id)
    for oldest in all_ended[: max(0, len(all_ended) - MAX_ENDED_SESSIONS)]:
        await repository.remove(oldest)
        until_then = Revocation(
            subject_id=user_id, before_ms=oldest.before_ms, forget_ms=oldest.forget_ms
        )
        await _put(session, until_then, replaces=(oldest.subject_id,))


async def load(session: "AsyncSession", tokens: Tokens) -> None:
    """Forget what has no effect any more, and tell ``tokens`` the rest; called at start."""
    now_ms, _ = tokens.outdating_now()
    repository = RevocationRepository(session)
    await repository.forget(now_ms)
    for item in await repository.all():
        tokens.outdate(item.subject_id, item.before_ms, item.forget_ms)


async def _put(
    session: "AsyncSession", row: Revocation, *, replaces: tuple[UUID, ...] = ()
) -> None:
    told = TokensRevoked(row.subject_id, row.before_ms, row.forget_ms, replaces)
    await RevocationRepository(session).put(row)
    emit_after_commit(session, told)
