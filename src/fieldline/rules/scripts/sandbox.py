"""One script in an interpreter of its own, with limits of time and memory.

A sandbox is used by one thread only, the one that made it: QuickJS measures its stack from there.
Nothing outside JavaScript can be reached: there is no module, network, file or timer.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import quickjs

from fieldline.kit.errors import Invalid
from fieldline.kit.json import loads

MAX_REASON_LENGTH = 300
"""Characters of a script's own error that are told."""

_WRAPPER = """(function (body, longest) {
    const parse = JSON.parse, stringify = JSON.stringify, text = String;
    const apply = Reflect.apply, slice = String.prototype.slice;
    const lock = (object, name, value) => Object.defineProperty(
        object, name, {value, writable: false, configurable: false, enumerable: false});
    lock(InternalError.prototype, "toString", Error.prototype.toString);
    lock(InternalError.prototype, "name", "InternalError");
    lock(InternalError.prototype, "message", "");
    lock(InternalError.prototype, "stack", "");
    lock(InternalError.prototype, Symbol.toPrimitive, undefined);
    lock(Error, "prepareStackTrace", undefined);
    lock(Error, "stackTraceLimit", 0);
    const explain = (error) => {
        try { return "!" + apply(slice, text(error), [0, longest]); }
        catch (_) { return "!an error without a text"; }
    };
    let script;
    try {
        script = new Function("msg", "metadata", "msgType", body);
    } catch (error) {
        const reason = explain(error);
        return () => reason;
    }
    return function (msg, metadata, type) {
        if (msg === undefined) { return ""; }
        try {
            const result = stringify(script(parse(msg), parse(metadata), type));
            return result === undefined ? "" : result;
        } catch (error) {
            return explain(error);
        }
    };
})"""
# QuickJS's Python binding turns an exception into text outside of the time limit, holding the GIL:
# a thrown {toString() { while (true) {} }} would stop the whole process. So every exception is
# caught and told as text inside; only the interpreter's own InternalError comes out (it cannot be
# caught), and what makes the text of that is locked before the script can touch it.
# An answer is JSON, which never begins with "!": the mark of an error. It has no mark of its own,
# because joining text to a string of over 512 characters makes a rope, which the binding cannot
# turn into a Python str; so the text of an error is cut before it gets its mark.
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
            self._call = self._context.eval(f"{_WRAPPER}({json.dumps(body)}, {MAX_REASON_LENGTH})")
            problem: str = self._call()
        except quickjs.JSException as error:
            raise self._explain(str(error)) from error
        if problem:
            msg = f"the script does not compile: {_line(problem[1:])}"
            raise ScriptError(msg)

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
            answer: str = self._call(msg, metadata, msg_type)
        except quickjs.JSException as error:
            raise self._explain(str(error)) from error
        if answer.startswith("!"):
            raise self._explain(answer[1:])
        if len(answer) > self._limits.result_length:
            text = (
                f"the script answered {len(answer)} characters; "
                f"{self._limits.result_length} are allowed"
            )
            raise ScriptError(text)
        return answer or None

    def _explain(self, text: str) -> ScriptError:
        text = _line(text)
        if text == "InternalError: interrupted":
            return ScriptLimitError(f"the script was stopped after {self._limits.timeout_s:g} s")
        if text in ("InternalError: out of memory", "null"):
            return ScriptLimitError(
                f"the script was stopped: it needs over {self._limits.memory_bytes} bytes of memory"
            )
        return ScriptError(f"the script failed: {text}")


def answer_of(result: str | None) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return what a script answered; None for nothing.

    Raises:
        ScriptError: it holds half a surrogate pair, which no text outside of JavaScript can.
    """
    if result is None:
        return None
    try:
        return loads(result)
    except ValueError as error:
        raise ScriptError("the script answered text that is not valid Unicode") from error


def _line(text: str) -> str:
    """Return the first line of an error's text, cut to what a log line may hold."""
    return text.strip().split("\n", 1)[0][:MAX_REASON_LENGTH]
