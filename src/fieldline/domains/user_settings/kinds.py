"""The types of settings that there are."""

from enum import StrEnum

from fieldline.kit.errors import Invalid


class SettingsKind(StrEnum):
    """One object of each per user."""

    GENERAL = "GENERAL"
    VISITED_DASHBOARDS = "VISITED_DASHBOARDS"
    QUICK_LINKS = "QUICK_LINKS"
    DOC_LINKS = "DOC_LINKS"
    DASHBOARDS = "DASHBOARDS"
    GETTING_STARTED = "GETTING_STARTED"
    NOTIFICATIONS = "NOTIFICATIONS"
    MOBILE = "MOBILE"


RESERVED = frozenset({SettingsKind.VISITED_DASHBOARDS, SettingsKind.MOBILE})
"""Kept by the platform itself; the settings' routes do not reach them."""


def kind_of(text: str) -> SettingsKind:
    """Return the type of that name, in any case.

    Raises:
        Invalid: there is none, or it is reserved.
    """
    known = {kind.value: kind for kind in SettingsKind if kind not in RESERVED}
    if text.upper() in RESERVED:
        msg = f"Settings of type {text.upper()} are reserved for the platform"
        raise Invalid(msg)
    if text.upper() not in known:
        msg = f"Unknown type of user settings '{text}'; one of {', '.join(known)} is possible"
        raise Invalid(msg)
    return known[text.upper()]
