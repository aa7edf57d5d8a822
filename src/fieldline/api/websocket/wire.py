"""What all commands are made of. A null stands for a property that is not given."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from fieldline.kit.errors import Invalid
from fieldline.kit.paging import PageRequest
from fieldline.rest.paging import MAX_NUMBER


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class Query(Wire):
    model_config = ConfigDict(extra="ignore")


class Command(Wire):
    """One thing that the client asks for; ``cmd_id`` names the answer."""

    cmd_id: int = 0


KeyType = Literal[
    "ATTRIBUTE",
    "CLIENT_ATTRIBUTE",
    "SHARED_ATTRIBUTE",
    "SERVER_ATTRIBUTE",
    "TIME_SERIES",
    "ENTITY_FIELD",
    "ALARM_FIELD",
]


class EntityKey(Query):
    """What to show of an entity."""

    type: KeyType
    key: str


class SortOrder(Query):
    key: EntityKey
    direction: Literal["ASC", "DESC"] = "ASC"


class PageLink(Query):
    """Which entities of the query, and whether to follow the set as it changes."""

    page_size: int = 0
    page: int = 0
    text_search: str = ""
    sort_order: SortOrder | None = None
    dynamic: bool = False

    def request(self, sortable: Mapping[str, str], kind: KeyType, *, max_size: int) -> PageRequest:
        """Return the page that is asked for.

        Args:
            sortable: name on the wire -> attribute, of what can be sorted by.
            kind: type of the keys that can be sorted by.
            max_size: a larger page is made this small.

        Raises:
            Invalid: size, number or order is not possible.
        """
        if self.page_size < 1 or not 0 <= self.page <= MAX_NUMBER:
            msg = (
                f"The page link needs a pageSize of 1 or more and a page between 0 and {MAX_NUMBER}"
            )
            raise Invalid(msg)
        size = min(self.page_size, max_size)
        sort, descending = None, True
        if self.sort_order is not None:
            key = self.sort_order.key
            sort = sortable.get(key.key) if key.type == kind else None
            if sort is None:
                possible = ", ".join(sorted(sortable))
                msg = f"Cannot sort by {key.type} '{key.key}'; one of {kind} {possible} is possible"
                raise Invalid(msg)
            descending = self.sort_order.direction == "DESC"
        return PageRequest(size, self.page * size, self.text_search or None, sort, descending)
