"""Query parameters of lists of things in ThingsBoard's dialect."""

from typing import Annotated

from fastapi import Depends, Query

from fieldline.database.things import ThingFilter


async def _type_filter(kind: Annotated[str | None, Query(alias="type")] = None) -> ThingFilter:
    """Read the type; the console sends an empty one for all."""
    return ThingFilter(type=kind or None)


TypeFilter = Annotated[ThingFilter, Depends(_type_filter)]
