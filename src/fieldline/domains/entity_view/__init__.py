"""Entity views: a part of a device's or asset's data, some keys of some time, shown to others."""
