"""Who calls, as a parameter of an endpoint; each one also says which roles may call at all.

An endpoint declares its roles by the type of its ``caller`` parameter::

    async def get_device(caller: TenantOrCustomer, session: ReadSession, ...) -> Device: ...

An endpoint that anybody may call without a token declares the dependency :data:`public`, so that
forgetting the roles is seen (``tests/api/test_roles.py``).
"""

from typing import Annotated

from fastapi import Depends, params
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from fieldline.kit.errors import Forbidden, Unauthenticated
from fieldline.rest.services import ServicesDep
from fieldline.security.caller import Authority, Caller
from fieldline.security.permissions import DENIED

SCHEME = "Bearer "


class RoleRule(SecurityBase):
    """A dependency that gives the caller and lets only some roles through.

    ``model`` and ``scheme_name`` say in the API's documentation that a token is needed.
    """

    model = HTTPBearer(description="The `token` of a log-in.")
    scheme_name = "token"

    def __init__(self, *authorities: Authority) -> None:
        self.authorities = frozenset(authorities)

    async def __call__(self, request: Request, services: ServicesDep) -> Caller:
        caller = services.tokens.verify_access(bearer_token(request))
        if caller.authority not in self.authorities:
            raise Forbidden(DENIED)
        return caller


def bearer_token(request: Request) -> str:
    """Return the token of ``X-Authorization``, else of ``Authorization``.

    Raises:
        Unauthenticated: there is none.
    """
    headers = request.headers
    value = headers.get("x-authorization") or headers.get("authorization") or ""
    token = value[len(SCHEME) :].strip() if value.startswith(SCHEME) else ""
    if not token:
        raise Unauthenticated("Authentication failed")
    return token


async def anybody() -> None:
    """Let everybody through, without a token."""


A = Authority
AnyUser = Annotated[Caller, Depends(RoleRule(A.SYS_ADMIN, A.TENANT_ADMIN, A.CUSTOMER_USER))]
SysAdmin = Annotated[Caller, Depends(RoleRule(A.SYS_ADMIN))]
TenantAdmin = Annotated[Caller, Depends(RoleRule(A.TENANT_ADMIN))]
SysOrTenantAdmin = Annotated[Caller, Depends(RoleRule(A.SYS_ADMIN, A.TENANT_ADMIN))]
CustomerUser = Annotated[Caller, Depends(RoleRule(A.CUSTOMER_USER))]
TenantOrCustomer = Annotated[Caller, Depends(RoleRule(A.TENANT_ADMIN, A.CUSTOMER_USER))]

public: params.Depends = Depends(anybody)
"""For ``dependencies=[public]`` of an endpoint, or of a router, that needs no token."""
