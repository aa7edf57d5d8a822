"""How many sockets and v1 subscriptions a tenant's profile allows, in all and per customer or user.

Source: ThingsBoard's tenant profile (``maxWsSessionsPer…``, ``maxWsSubscriptionsPer…``; 0 is
unlimited) and the texts that its server closes with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.security.caller import Caller


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit: who counts towards it, and how much is allowed (0: any number)."""

    name: str
    mark: str
    counts: Callable[[Caller], bool]
    sessions: int
    subscriptions: int

    def text(self, what: str) -> str:
        """Return what a socket over the limit is closed with."""
        return f"Max {self.name} {what} limit reached{self.mark}"


def quotas_of(caller: Caller, configuration: Mapping[str, Any]) -> list[Quota]:
    """Return the limits that a caller is under, by its tenant's profile."""
    tenant_id, customer_id, user_id = caller.tenant_id, caller.customer_id, caller.user_id
    if tenant_id is None:
        return []
    found = [_quota(configuration, "Tenant", lambda other: other.tenant_id == tenant_id)]
    if customer_id is not None:
        found.append(_quota(configuration, "Customer", _of_customer(customer_id)))
        if caller.is_public:
            found.append(_quota(configuration, "PublicUser", _public_of(customer_id)))
        else:
            found.append(
                _quota(configuration, "RegularUser", lambda other: other.user_id == user_id)
            )
    return [quota for quota in found if quota.sessions or quota.subscriptions]


def _of_customer(customer_id: UUID) -> Callable[[Caller], bool]:
    return lambda other: other.customer_id == customer_id


def _public_of(customer_id: UUID) -> Callable[[Caller], bool]:
    return lambda other: other.is_public and other.customer_id == customer_id


def _quota(configuration: Mapping[str, Any], kind: str, counts: Callable[[Caller], bool]) -> Quota:
    name = "".join(f" {c.lower()}" if c.isupper() else c for c in kind).strip()
    return Quota(
        name,
        "!" if kind == "Tenant" else "",
        counts,
        int(configuration.get(f"maxWsSessionsPer{kind}") or 0),
        int(configuration.get(f"maxWsSubscriptionsPer{kind}") or 0),
    )
