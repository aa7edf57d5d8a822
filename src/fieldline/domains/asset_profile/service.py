"""Asset profiles: each tenant has a default one, assets take their type and rules from theirs."""

from fieldline.domains.asset_profile import schemas
from fieldline.domains.asset_profile.models import AssetProfile
from fieldline.domains.asset_profile.repository import AssetProfileRepository
from fieldline.domains.profile.service import ProfileKind, Profiles
from fieldline.kit.ids import EntityType

profiles = Profiles(
    ProfileKind(
        EntityType.ASSET_PROFILE,
        "asset",
        AssetProfileRepository,
        lambda tenant_id: AssetProfile(tenant_id=tenant_id),
        schemas.AssetProfile,
    )
)
seed = profiles.seed
get = profiles.get
get_default = profiles.get_default
page = profiles.page
by_ids = profiles.by_ids
names = profiles.names
create = profiles.create
update = profiles.update
set_default = profiles.set_default
delete = profiles.delete
default_of = profiles.default_of
rule_chains = profiles.rule_chains
