"""The fields of an asset that people set."""

from uuid import UUID

from fieldline.domains.thing.fields import ThingFields


class AssetFields(ThingFields, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    asset_profile_id: UUID | None
