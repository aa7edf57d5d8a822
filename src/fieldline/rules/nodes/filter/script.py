"""Filter: let a JavaScript expression decide."""

from typing import Any, ClassVar

from pydantic import Field

from fieldline.messaging.message import Message
from fieldline.rules.node import Context, Node, Outcome
from fieldline.rules.scripts.config import ScriptConfig
from fieldline.rules.scripts.sandbox import ScriptError
from fieldline.rules.scripts.script import Script

DEFAULT = "return msg.temperature > 20;"


class Config(ScriptConfig):
    """The script, in one of two languages."""

    js_script: str = Field(default=DEFAULT, description="Body in JavaScript.")
    tbel_script: str = Field(default=DEFAULT, description="Body in TBEL; only the default one.")

    script_fields: ClassVar[tuple[str, str]] = ("js_script", "tbel_script")
    tbel_defaults: ClassVar[dict[str, str]] = {DEFAULT: DEFAULT}


class ScriptFilter(Node[Config]):
    """Follow True or False as the script answers, which gets msg, metadata and msgType.

    Any other answer than true or false, and an error of the script, follows Failure.

    Example: with the default configuration a message {"temperature": 21} follows True.
    """

    name = "script"
    type = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
    relations = ("True", "False")
    form = "tbFilterNodeScriptConfig"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._script: Script | None = None

    async def start(self, context: Context) -> None:
        self._script = await context.services.scripts.load(self.config.javascript)
        self._scripts = context.services.scripts

    async def stop(self) -> None:
        if self._script is not None:
            await self._scripts.unload(self._script)

    def process(self, message: Message, context: Context) -> Outcome:
        if self._script is None:
            raise ScriptError("the script is not loaded")
        self._script.decide(message, context, _relation)
        return None


def _relation(answer: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    if answer is True:
        return "True"
    if answer is False:
        return "False"
    msg = f"the script answered {type(answer).__name__}, not true or false"
    raise ScriptError(msg)
