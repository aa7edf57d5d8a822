"""The table of asset profiles."""

from fieldline.database.profiles import Profile


class AssetProfile(Profile):
    """A kind of asset of one tenant; it has nothing that other profiles do not have."""

    __tablename__ = "asset_profile"
