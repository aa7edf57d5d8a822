import pytest

from fieldline.domains.user import letters

MINUTE = 60_000


@pytest.mark.parametrize(
    ("ttl_ms", "said"),
    [
        (24 * 60 * MINUTE, "24 hours"),
        (24 * 60 * MINUTE - 7, "24 hours"),
        (90 * MINUTE, "1 hour"),
        (2 * 60 * MINUTE, "2 hours"),
        (5 * MINUTE, "1 hour"),
    ],
)
def test_a_mail_says_how_long_its_link_works(ttl_ms: int, said: str) -> None:
    link = "http://x/?activateToken=t"

    for write in (letters.activation, letters.reset):
        text = write("ada@example.org", "http://x", link, ttl_ms).text
        assert f"for {said}." in text
        assert link in text
