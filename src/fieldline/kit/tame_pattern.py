"""Regular expressions of users that cannot keep the process busy.

Python tries every way in which a pattern may fit a text, of which there may be more than the
universe will last for: ``(a+)+$``. So only patterns are taken for which their number is small
whatever the text, which may have :data:`MAX_TEXT` characters.
"""

import re
from importlib import import_module
from typing import Any

from fieldline.kit.errors import Invalid

# They are undocumented and unknown to type checkers, and the only reader of patterns there is.
_parser: Any = import_module("re._parser")
_constants: Any = import_module("re._constants")

MAX_PATTERN = 255
MAX_TEXT = 64
"""Characters; a certificate's common name has no more (RFC 5280, ub-common-name)."""
MAX_WAYS = 300_000
"""Three times ``.*`` in a text of :data:`MAX_TEXT`; some ms."""
_ONE_WAY = {
    _constants.LITERAL,
    _constants.NOT_LITERAL,
    _constants.ANY,
    _constants.IN,
    _constants.AT,
}
_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}


def tame_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern.

    Raises:
        Invalid: it is none, or one that could take too long.
    """
    if len(text) > MAX_PATTERN:
        msg = f"A regular expression may have {MAX_PATTERN} characters at the most"
        raise Invalid(msg)
    try:
        parsed = _parser.parse(text)
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"'{text[:64]}' is not a regular expression: {error}"
        raise Invalid(msg) from error
    if _ways(parsed) > MAX_WAYS:
        msg = (
            f"The regular expression '{text[:64]}' could take too long: it may repeat (*, +, ?, |) "
            "about three times, not within another repetition"
        )
        raise Invalid(msg)
    return pattern


def _ways(sequence: Any) -> int:  # noqa: ANN401 - the parser's own, untyped form
    """Return in how many ways a sequence may fit, at the most, up to a little over the limit."""
    ways = 1
    for kind, argument in sequence:
        ways = min(ways * _ways_of(kind, argument), MAX_WAYS + 1)
    return ways


def _ways_of(kind: Any, argument: Any) -> int:  # noqa: ANN401 - as above
    if kind in _ONE_WAY:
        return 1
    if kind is _constants.SUBPATTERN:
        return _ways(argument[-1])
    if kind is _constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if kind in _REPEATS:
        least, most = (min(int(count), MAX_TEXT) for count in argument[:2])
        within = _ways(argument[2])
        each_time: int = 1 if within == 1 else within**most
        return min(each_time * (most - least + 1), MAX_WAYS + 1)
    return MAX_WAYS + 1  # looking around and back: not needed for names, and hard to bound
