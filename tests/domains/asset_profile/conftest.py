"""The fixtures of assets serve their profiles too."""

from tests.domains.asset.conftest import platform, tenant

__all__ = ["platform", "tenant"]
