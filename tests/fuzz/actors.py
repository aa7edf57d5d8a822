"""Who calls: a server of its own with the three roles, logged in, and what they may not lose."""

from dataclasses import dataclass, field

import requests

from tests.e2e.server import Server
from tests.fuzz.pool import Pool, kind_of

LOGINS = {
    "tenant": ("tenant@thingsboard.org", "tenant"),
    "sysadmin": ("sysadmin@thingsboard.org", "sysadmin"),
    "customer": ("customer@thingsboard.org", "customer"),
}
"""Role -> the demo's login."""
TIMEOUT_S = 30
DEVICE_TOKEN = "fuzzed-device"
"""Of the device that the device API is called as."""


@dataclass
class Actor:
    """A role with its session; ``own`` are ids without which it could not go on."""

    role: str
    url: str
    session: requests.Session = field(default_factory=requests.Session)
    own: frozenset[str] = frozenset()

    def log_in(self) -> None:
        """Log in, unless the token is still good."""
        about_me = f"{self.url}/api/auth/user"
        if self.session.get(about_me, timeout=TIMEOUT_S).status_code == 200:
            return
        name, password = LOGINS[self.role]
        answer = self.session.post(
            f"{self.url}/api/auth/login",
            json={"username": name, "password": password},
            headers={"X-Authorization": ""},
            timeout=TIMEOUT_S,
        )
        assert answer.status_code == 200, f"{self.role} can no longer log in: {answer.text}"
        self.session.headers["X-Authorization"] = f"Bearer {answer.json()['token']}"
        me = self.session.get(about_me, timeout=TIMEOUT_S).json()
        parts = (me[name] or {} for name in ("id", "tenantId", "customerId"))
        self.own = frozenset(part["id"] for part in parts if part)


def actors_of(server: Server) -> list[Actor]:
    """Log everybody in; the first one makes a device with a known token."""
    actors = [Actor(role, server.url) for role in LOGINS]
    for actor in actors:
        actor.log_in()
    made = actors[0].session.post(
        f"{server.url}/api/device?accessToken={DEVICE_TOKEN}",
        json={"name": "Fuzzed"},
        timeout=TIMEOUT_S,
    )
    assert made.status_code == 200, made.text
    return actors


def first_ids(actor: Actor, document: dict[str, dict[str, object]]) -> Pool:
    """Return what is there already, of every list without parameters in the path."""
    pool = Pool()
    for path, operations in document["paths"].items():
        if isinstance(operations, dict) and "get" in operations and "{" not in path:
            answer = actor.session.get(
                f"{actor.url}{path}", params={"pageSize": 50, "page": 0}, timeout=TIMEOUT_S
            )
            if answer.status_code == 200 and "json" in answer.headers.get("content-type", ""):
                pool.learn(kind_of(path), answer.json())
    return pool
