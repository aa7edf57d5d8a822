"""Searches for entities by relations on ThingsBoard's wire."""

from fieldline.domains.relation.kinds import CONTAINS
from fieldline.domains.relation.schemas import RelationsSearchParameters
from fieldline.domains.relation.search import Filter, Search
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel


class EntitySearchQuery(TbModel):
    """Where to search, and the type of the relation that leads to what is found."""

    parameters: RelationsSearchParameters
    relation_type: str | None = None

    def search(self, kind: EntityType) -> Search:
        """Return the search for entities of a kind; without a relation type by Contains."""
        wanted = Filter(self.relation_type or CONTAINS, frozenset({kind}))
        return self.parameters.search((wanted,))


class DeviceSearchQuery(EntitySearchQuery):
    """A search for devices of some types."""

    device_types: list[str]


class AssetSearchQuery(EntitySearchQuery):
    """A search for assets of some types."""

    asset_types: list[str]


class EntityViewSearchQuery(EntitySearchQuery):
    """A search for entity views of some types."""

    entity_view_types: list[str]
