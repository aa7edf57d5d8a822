"""What an empty installation gets: the first administrator; with ``--demo`` the demo logins."""

from fieldline.domains.bootstrap import service as bootstrap_service
from fieldline.domains.bootstrap.service import NewAdministrator
from fieldline.rest.services import Services
from fieldline.settings import Settings


async def prepare(services: Services, settings: Settings, *, demo: bool) -> NewAdministrator | None:
    """Make what is missing; returns an administrator whose password was generated."""
    if demo:
        await bootstrap_service.seed_demo_logins(services)
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    made = await bootstrap_service.first_start(services, password=password)
    return made if made is not None and made.password is not None else None
