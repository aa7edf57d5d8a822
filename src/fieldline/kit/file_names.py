"""The names of files that people upload: made harmless, and written into headers.

Source: RFC 6266 (Content-Disposition) and RFC 8187 (names beyond ASCII).
"""

import re
from urllib.parse import quote

OCTETS = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")


def bare_name(name: str | None) -> str:
    """Return the last part of a path of any system, without control characters; "" for none."""
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(char for char in last if char.isprintable()).strip()


def media_type(text: str | None) -> str:
    """Return the media type without its parameters; what is none are octets."""
    bare = (text or "").split(";", 1)[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) and len(bare) <= 255 else OCTETS


def download_headers(name: str) -> dict[str, str]:
    """Return the headers of an answer that is a file: its name, and that it is not to be shown."""
    bare = bare_name(name) or "download"
    plain = re.sub(r"[^ -~]|[\"%;\\]", "_", bare)
    disposition = (
        f'attachment; filename="{plain}"' if " " in plain else f"attachment;filename={plain}"
    )
    if plain != bare:
        disposition += f"; filename*=UTF-8''{quote(bare, safe='')}"
    return {
        "Content-Disposition": disposition,
        "x-filename": bare if plain == bare else quote(bare, safe=" "),
        "X-Content-Type-Options": "nosniff",
    }
