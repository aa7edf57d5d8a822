"""JSONPath expressions, compiled once.

What one message may cost is bounded, since a tenant's expression must not stop the others: visited
nodes are counted, the queries within filters name one place each (``[?@.type == 'a']``), and the
regular expressions of RFC 9535 (``match``, ``search``) are left out. An expression that itself
names one place (``$.data[0].temperature``) is walked by hand: 0.5 us instead of 8 by the library.
Source: RFC 9535.
"""

from collections.abc import Iterable
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathMatch
from jsonpath.exceptions import JSONPathError
from jsonpath.filter import FilterQuery, walk
from jsonpath.selectors import Filter, IndexSelector, NameSelector
from typing_extensions import override

from fieldline.domains.integration.errors import ConversionFailed, InvalidIntegration

MAX_LENGTH = 500
"""Characters of an expression."""
MAX_STEPS = 20_000
"""Nodes that the expressions of a converter may visit in one message: some 100 ms."""
_FUNCTIONS = frozenset({"length", "count", "value"})


class Steps:
    """Counts down what a message may still cost; there is one, as there is one event loop."""

    left = MAX_STEPS

    @classmethod
    def refill(cls) -> None:
        """Begin a message."""
        cls.left = MAX_STEPS


class _Match(JSONPathMatch):
    __slots__ = ()

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the library's
        Steps.left -= 1
        if Steps.left < 0:
            msg = f"The JSONPath expressions visit more than {MAX_STEPS} nodes of the message"
            raise ConversionFailed(msg)
        super().__init__(**given)


class _Environment(JSONPathEnvironment):
    @override
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        for name in list(self.function_extensions):
            if name not in _FUNCTIONS:
                del self.function_extensions[name]


_ENVIRONMENT = _Environment(strict=True)


class Path:
    """A compiled expression.

    ``is_singular``: it names one place, which a document has or has not.

    Raises:
        InvalidIntegration: it is no JSONPath expression.
    """

    __slots__ = ("_compiled", "_keys", "is_singular", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = _compile(text)
        self._keys = _keys(self._compiled)
        self.is_singular = self._keys is not None

    def find(self, document: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of its types
        """Return what the expression selects, in the order of the document.

        Raises:
            ConversionFailed: it costs too much, the document is nested too deeply, or a function
                cannot take what it finds.
        """
        if self._keys is not None:
            return _walk(self._keys, document)
        if not isinstance(document, dict | list):
            return []
        # Not by its finditer, which counts nothing, and reads a document that is a text as JSON.
        root = _Match(
            filter_context={}, obj=document, parent=None, path="$", parts=(), root=document
        )
        matches: Iterable[JSONPathMatch] = [root]
        for segment in self._compiled.segments:
            matches = segment.resolve(matches)
        try:
            return [match.obj for match in matches]
        except (JSONPathError, RecursionError):
            msg = f"'{self.text}' cannot be applied: the message is nested too deeply"
            raise ConversionFailed(msg) from None
        except TypeError as error:  # count(@) of a number, for example
            msg = f"'{self.text}' cannot be applied to the message: {error}"
            raise ConversionFailed(msg) from None


def _compile(text: str) -> JSONPath:
    if not text.startswith("$"):
        msg = f"'{text[:100]}' is no JSONPath expression: it begins with $, as $.temperature"
        raise InvalidIntegration(msg)
    if len(text) > MAX_LENGTH:
        msg = f"A JSONPath expression may have {MAX_LENGTH} characters, not {len(text)}"
        raise InvalidIntegration(msg)
    try:
        compiled = _ENVIRONMENT.compile(text)
    except (JSONPathError, RecursionError, ValueError, OverflowError) as error:
        # Its str() adds a drawing of the place, and fails for some.
        reason = str(error.args[0]) if error.args else "it cannot be read"
        msg = f"'{text[:100]}' is no JSONPath expression of RFC 9535: {reason}"
        raise InvalidIntegration(msg) from None
    if not isinstance(compiled, JSONPath):
        msg = f"'{text[:100]}' is more than one JSONPath expression"
        raise InvalidIntegration(msg)
    _check_filters(compiled)
    return compiled


def _check_filters(path: JSONPath) -> None:
    for segment in path.segments:
        for selector in segment.selectors:
            if not isinstance(selector, Filter):
                continue
            for node in walk(selector.expression):
                if isinstance(node, FilterQuery) and not node.path.singular_query():
                    msg = (
                        f"'{path}': a query within a filter must name one place, as "
                        "[?@.type == 'a'], not several"
                    )
                    raise InvalidIntegration(msg)


def _keys(path: JSONPath) -> list[str | int] | None:
    """Return the names and indexes of an expression that has nothing else."""
    if not path.singular_query():
        return None
    keys: list[str | int] = []
    for segment in path.segments:
        (selector,) = segment.selectors
        if isinstance(selector, NameSelector):
            keys.append(selector.name)
        elif isinstance(selector, IndexSelector):
            keys.append(selector.index)
        else:
            return None
    return keys


def _walk(keys: list[str | int], document: Any) -> list[Any]:  # noqa: ANN401
    for key in keys:
        if isinstance(key, str):
            if not isinstance(document, dict) or key not in document:
                return []
        elif not isinstance(document, list) or not -len(document) <= key < len(document):
            return []
        document = document[key]
    return [document]
