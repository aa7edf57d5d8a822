"""Where a log-in came from, as the audit log tells it."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

MAX_TEXT = 255
"""Characters of a client's own words that are kept."""
_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[.\d]* (?:Mobile/\w+ )?Safari/")),
)
"""The first that fits: most browsers name others beside themselves."""
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "Mac OS X"),
    ("Linux", "Linux"),
)
_DEVICES = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"))
UNKNOWN = "Other"


@dataclass(frozen=True, slots=True)
class Origin:
    """The address of the other end, and what the client calls itself (``User-Agent``)."""

    address: str | None = None
    user_agent: str = ""

    @property
    def as_data(self) -> dict[str, str | None]:
        """The origin as ThingsBoard's records name it; what is not known is "Other"."""
        return {
            "clientAddress": self.address,
            "browser": self._browser(),
            "os": self._first(_SYSTEMS),
            "device": self._first(_DEVICES),
        }

    def _browser(self) -> str:
        for name, pattern in _BROWSERS:
            if found := pattern.search(self.user_agent):
                return f"{name} {found[1]}"
        # A program: its own words are the best there is.
        product = self.user_agent.split(" ", 1)[0]
        return product if product and not product.startswith("Mozilla/") else UNKNOWN

    def _first(self, names: tuple[tuple[str, str], ...]) -> str:
        return next((name for mark, name in names if mark in self.user_agent), UNKNOWN)


NOWHERE = Origin()
"""Of the platform's own commands."""


async def origin(request: Request) -> Origin:
    """Return where a request comes from (a dependency of endpoints)."""
    agent = request.headers.get("user-agent", "")[:MAX_TEXT]
    return Origin(request.client.host if request.client else None, agent.replace("\0", ""))


FromWhere = Annotated[Origin, Depends(origin)]
