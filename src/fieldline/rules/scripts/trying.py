"""Runs a script once on what somebody typed in, to see what it answers."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from fieldline.domains.rule_chain.graph import ScriptTest
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType
from fieldline.kit.json import dumps_text
from fieldline.messaging.message import Message
from fieldline.rules.scripts.pool import ScriptPool

AT_ONCE = 2
"""Scripts tried at a time: they share the threads of the rules."""
ARGUMENTS = ("msg", "metadata", "msgType")
_NAME = re.compile(r"[A-Za-z_$][\w$]{0,63}")


class Trier:
    """Tries scripts in the pool of the rules, under the same limits."""

    def __init__(self, pool: ScriptPool) -> None:
        self._pool = pool
        self._room = asyncio.Semaphore(AT_ONCE)

    async def try_out(self, test: ScriptTest) -> str:
        """See ``domains/rule_chain/graph.ScriptTester``."""
        body = _with_names(test.script, test.arg_names)
        message = Message(
            test.msg_type,
            EntityRef(EntityType.DEVICE, NULL_UUID),
            NULL_UUID,
            test.msg,
            dict(test.metadata),
            ts_ms=0,
        )
        async with self._room:
            script = await self._pool.load(body)
            try:
                answer = await script.ask(message)
            finally:
                await self._pool.unload(script)
        return _text(test, answer)


def _with_names(script: str, names: tuple[str, ...]) -> str:
    """Let a script see its arguments by other names."""
    if len(names) > len(ARGUMENTS) or not all(_NAME.fullmatch(name) for name in names):
        msg = f"argNames has at most {len(ARGUMENTS)} names of JavaScript variables"
        raise Invalid(msg)
    others = [
        f"{name} = {argument}"
        for name, argument in zip(names, ARGUMENTS, strict=False)
        if name != argument
    ]
    return f"var {', '.join(others)}; {script}" if others else script


def _text(test: ScriptTest, answer: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    """Return what the script answered in the form of its kind."""
    if not _is_right(test.kind, answer):
        needed = _NEEDED[test.kind]
        msg = f"the script answered {type(answer).__name__}; a {test.kind} script needs {needed}"
        raise Invalid(msg)
    if test.kind == "string":
        return str(answer)
    if test.kind in {"update", "generate"}:
        whole = [
            _message(test, each) for each in (answer if isinstance(answer, list) else [answer])
        ]
        return dumps_text(whole if isinstance(answer, list) else whole[0])
    if test.kind == "switch" and isinstance(answer, str):
        answer = [answer]
    return dumps_text(answer)


_NEEDED = {
    "filter": "true or false",
    "switch": "a text or a list of texts",
    "string": "a text",
    "json": "something",
    "update": "an object or a list of objects",
    "generate": "an object",
}


def _is_right(kind: str, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
    several = answer if isinstance(answer, list) else [answer]
    return {
        "filter": isinstance(answer, bool),
        "switch": all(isinstance(each, str) for each in several),
        "string": isinstance(answer, str),
        "json": answer is not None,
        "update": bool(several) and all(isinstance(each, dict) for each in several),
        "generate": isinstance(answer, dict),
    }[kind]


def _message(test: ScriptTest, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that an answer stands for: what it leaves out stays as it was."""
    return {
        "msg": answer.get("msg", test.msg),
        "metadata": answer.get("metadata", test.metadata),
        "msgType": answer.get("msgType", test.msg_type),
    }
