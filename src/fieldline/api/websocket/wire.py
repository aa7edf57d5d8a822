"""What all commands are made of. A null stands for a property that is not given."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


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
