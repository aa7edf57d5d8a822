"""What counts use, as a parameter of an endpoint."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from fieldline.domains.api_usage.counters import Usage


async def get_counted(connection: HTTPConnection) -> Usage:
    """Return what counts the use of the application's tenants."""
    usage: Usage = connection.app.state.usage
    return usage


UsageDep = Annotated[Usage, Depends(get_counted)]
