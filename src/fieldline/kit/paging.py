"""A page of a list: what was asked for and what came back, without any dialect's names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list.

    ``sort`` is a column's name inside Fieldline (snake_case), checked by the repository;
    None means newest first. Without ``counted`` nobody asks how many there are in all, and the
    page's ``total`` says only how many there are up to its end.
    """

    limit: int = 100
    offset: int = 0
    search: str | None = None
    sort: str | None = None
    descending: bool = True
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page and how many there are in all."""

    items: list[T]
    total: int

    def map(self, function: "Callable[[T], U]") -> "Page[U]":
        """Return the page with every item converted."""
        return Page([function(item) for item in self.items], self.total)
