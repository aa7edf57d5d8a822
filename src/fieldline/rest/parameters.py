"""Query parameters that several endpoints take."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from fieldline.kit.ids import parse_id
from fieldline.kit.unique_name import NameConflict, Naming, Strategy
from fieldline.kit.values import INT64_MAX, INT64_MIN

Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
"""A time or number that both databases can compare with."""


def id_list(name: str) -> Callable[[list[str]], Awaitable[list[UUID]]]:
    """Make a dependency that reads ids, comma separated or repeated, from a query parameter."""

    async def read(values: Annotated[list[str], Query(alias=name)]) -> list[UUID]:
        return [parse_id(part) for value in values for part in value.split(",") if part]

    return read


async def naming(
    conflict: Annotated[NameConflict, Query(alias="nameConflictPolicy")] = NameConflict.FAIL,
    separator: Annotated[str, Query(alias="uniquifySeparator", max_length=16)] = "_",
    strategy: Annotated[Strategy, Query(alias="uniquifyStrategy")] = Strategy.RANDOM,
) -> Naming:
    """Read what to do when the name of something new is taken."""
    return Naming(conflict, separator, strategy)


NamingQuery = Annotated[Naming, Depends(naming)]
IdList = Annotated[list[UUID], Depends(id_list("ids"))]
