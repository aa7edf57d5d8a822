"""Page parameters of both dialects."""

from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from fieldline.kit.errors import Invalid
from fieldline.kit.paging import Page, PageRequest

T = TypeVar("T")
MAX_PAGE_SIZE = 10_000
"""Rows of one page at the most; more is asked for in several pages."""
MAX_NUMBER = 2**31 - 1
"""The last page there can be; beyond it a database's integers end."""


class PageData(BaseModel, Generic[T]):
    """A page on ThingsBoard's wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    data: list[T]
    total_pages: int
    total_elements: int
    has_next: bool

    @classmethod
    def of(cls, page: Page[T], request: PageRequest) -> "PageData[T]":
        pages = -(-page.total // request.limit) if request.limit else 0
        return cls(
            data=page.items,
            total_pages=pages,
            total_elements=page.total,
            has_next=request.offset + request.limit < page.total,
        )


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


async def tb_page(
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=MAX_PAGE_SIZE)],
    page: Annotated[int, Query(ge=0, le=MAX_NUMBER)],
    text_search: Annotated[str | None, Query(alias="textSearch")] = None,
    sort_property: Annotated[str | None, Query(alias="sortProperty")] = None,
    sort_order: Annotated[str | None, Query(alias="sortOrder")] = None,
) -> PageRequest:
    """Read ThingsBoard's page parameters; without ``sortProperty`` by id ascending."""
    order = (sort_order or "ASC").upper()
    if order not in {"ASC", "DESC"}:
        msg = f"Unsupported sort order '{sort_order}'! Only 'ASC' or 'DESC' types are allowed."
        raise Invalid(msg)
    return PageRequest(
        limit=page_size,
        offset=page * page_size,
        search=text_search or None,
        sort=_snake(sort_property) if sort_property else "id",
        descending=order == "DESC" if sort_property else False,
    )


async def v1_page(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0,
    search: str | None = None,
) -> PageRequest:
    """Read v1's page parameters; newest first."""
    return PageRequest(limit=limit, offset=offset, search=search or None, counted=False)


TbPage = Annotated[PageRequest, Depends(tb_page)]
V1Page = Annotated[PageRequest, Depends(v1_page)]
