"""What the commands beside ``serve`` do with the platform's parts."""

from fieldline.app.storage import open_database, open_services
from fieldline.database.migrate import upgrade
from fieldline.domains.bootstrap import service as bootstrap_service
from fieldline.domains.user.errors import EmailTaken
from fieldline.settings import Settings


async def migrate_database(settings: Settings) -> bool:
    """Bring the schema up to date; returns whether there was anything to do.

    Raises:
        Unavailable: the database is away.
    """
    async with open_database(settings) as database:
        return await upgrade(database)


async def create_administrator(
    settings: Settings, email: str, password: str | None
) -> tuple[str, bool]:
    """Make a system administrator, or give an existing one a new password.

    Returns:
        The password and whether the administrator is new.

    Raises:
        Invalid: the address or the password is refused, or the user is no system administrator.
    """
    async with open_services(settings) as services:
        try:
            made = await bootstrap_service.create_administrator(services, email, password)
        except EmailTaken:
            chosen = await bootstrap_service.reset_administrator(services, email, password)
            return chosen, False
        return made.password or password or "", True
