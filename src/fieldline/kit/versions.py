"""Optimistic locking: who saves tells which version was read."""

from fieldline.kit.errors import StaleVersion


def check_version(label: str, given: int | None, stored: int) -> None:
    """Refuse to overwrite what somebody else saved in between.

    Args:
        label: what is saved, as "Entity View".
        given: the version that the caller read; None does not ask.
        stored: the version that is there.

    Raises:
        StaleVersion: they differ.
    """
    if given is not None and given != stored:
        msg = f"{label} was already changed by someone else; read it again and retry"
        raise StaleVersion(msg)
