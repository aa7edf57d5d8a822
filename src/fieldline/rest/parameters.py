"""Query parameters that several endpoints take."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.kit.ids import parse_id


def id_list(name: str) -> Callable[[list[str]], Awaitable[list[UUID]]]:
    """Make a dependency that reads ids, comma separated or repeated, from a query parameter."""

    async def read(values: Annotated[list[str], Query(alias=name)]) -> list[UUID]:
        return [parse_id(part) for value in values for part in value.split(",") if part]

    return read


IdList = Annotated[list[UUID], Depends(id_list("ids"))]
