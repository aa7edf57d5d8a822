"""One script in an interpreter of its own, with limits of time and memory.

A sandbox is used by one thread only, the one that made it: QuickJS measures its stack from there.
Nothing outside JavaScript can be reached: there is no module, network, file or timer.
"""

import json
import re
from dataclasses import dataclass

import quickjs

from fieldline.kit.errors import Invalid

ARGUMENTS = ("msg", "metadata", "msgType")

_WRAPPER = """(function (body) {
    const parse = JSON.parse, stringify = JSON.stringify;
    const script = new Function("msg", "metadata", "msgType", body);
    return function (msg, metadata, type) {
        return stringify(script(parse(msg), parse(metadata), type));
    };
})"""
_REFUSED = re.compile(r"(?<![\w$.])(async|await|Promise|setTimeout)(?![\w$])")
_STRINGS_AND_COMMENTS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """What one script may use. Lengths are in characters."""

    timeout_s: float = 0.5
    memory_bytes: int = 16 * 1024 * 1024
    body_length: int = 50_000
    arguments_length: int = 100_000
    result_length: int = 300_000


class ScriptError(Invalid):
    """A script raised, or answered what it may not."""


class ScriptLimitError(ScriptError):
    """A script was stopped because it used too much time or memory."""


def check_body(body: str, limits: ScriptLimits) -> None:
    """Refuse a script that cannot run here, without running anything.

    Raises:
        ScriptError: it is too long, or uses what waits for something (async, await, Promise,
            setTimeout), which a script cannot do.
    """
    if len(body) > limits.body_length:
        msg = f"the script has {len(body)} characters; {limits.body_length} are allowed"
        raise ScriptError(msg)
    refused = _REFUSED.search(_STRINGS_AND_COMMENTS.sub(" ", body))
    if refused:
        msg = f"the script uses '{refused.group(1)}'; scripts cannot wait, they answer at once"
        raise ScriptError(msg)


class Sandbox:
    """A compiled script body with the arguments ``msg``, ``metadata`` and ``msgType``.

    Raises:
        ScriptError: the body does not compile.
    """

    def __init__(self, body: str, limits: ScriptLimits) -> None:
        check_body(body, limits)
        self._limits = limits
        self._context = quickjs.Context()
        self._context.set_memory_limit(limits.memory_bytes)
        self._context.set_time_limit(limits.timeout_s)
        try:
            self._call = self._context.eval(f"{_WRAPPER}({json.dumps(body)})")
        except quickjs.JSException as error:
            msg = f"the script does not compile: {_first_line(error)}"
            raise ScriptError(msg) from error

    def call(self, msg: str, metadata: str, msg_type: str) -> str | None:
        """Run the script; arguments and result are JSON text (the type is plain text).

        Returns:
            None when the script returns nothing that JSON can say (undefined, a function).

        Raises:
            ScriptError: the script raised.
            ScriptLimitError: it took too long or too much memory.
        """
        length = len(msg) + len(metadata) + len(msg_type)
        if length > self._limits.arguments_length:
            text = (
                f"the message has {length} characters; "
                f"a script takes at most {self._limits.arguments_length}"
            )
            raise ScriptError(text)
        try:
            result: str | None = self._call(msg, metadata, msg_type)
        except quickjs.JSException as error:
            raise self._explain(error) from error
        if result is not None and len(result) > self._limits.result_length:
            text = (
                f"the script answered {len(result)} characters; "
                f"{self._limits.result_length} are allowed"
            )
            raise ScriptError(text)
        return result

    def _explain(self, error: Exception) -> ScriptError:
        text = _first_line(error)
        if text == "InternalError: interrupted":
            return ScriptLimitError(f"the script was stopped after {self._limits.timeout_s:g} s")
        if text in ("InternalError: out of memory", "null"):
            return ScriptLimitError(
                f"the script was stopped: it needs over {self._limits.memory_bytes} bytes of memory"
            )
        return ScriptError(f"the script failed: {text}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
