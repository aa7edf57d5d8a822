"""A database session per request: one to read, one to write; the endpoint says which."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.rest.services import ServicesDep


async def _read(services: ServicesDep) -> AsyncIterator[AsyncSession]:
    async with services.database.read() as session:
        yield session


async def _write(services: ServicesDep) -> AsyncIterator[AsyncSession]:
    async with services.database.write() as session:
        yield session


# scope="function" ends the block, and so commits, before the answer is sent: an answer that
# says "saved" is never followed by a failing commit.
ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
WriteSession = Annotated[AsyncSession, Depends(_write, scope="function")]
