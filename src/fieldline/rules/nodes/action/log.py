"""Action: write a message to the server's log."""

import logging
from typing import Any, ClassVar

from pydantic import Field

from fieldline.kit.json import dumps_text
from fieldline.messaging.message import Message
from fieldline.rules.node import SUCCESS, Context, Node, Outcome, follow
from fieldline.rules.scripts.config import ScriptConfig, is_same_script
from fieldline.rules.scripts.sandbox import ScriptError
from fieldline.rules.scripts.script import Script

logger = logging.getLogger(__name__)

DEFAULT = (
    r"return '\nIncoming message:\n' + JSON.stringify(msg) + "
    r"'\nIncoming metadata:\n' + JSON.stringify(metadata);"
)


class Config(ScriptConfig):
    """The script that makes the text, in one of two languages."""

    js_script: str = Field(default=DEFAULT, description="Body in JavaScript.")
    tbel_script: str = Field(default=DEFAULT, description="Body in TBEL; only the default one.")

    script_fields: ClassVar[tuple[str, str]] = ("js_script", "tbel_script")
    tbel_defaults: ClassVar[dict[str, str]] = {DEFAULT: DEFAULT}


class Log(Node[Config]):
    """Write the text that the script makes of the message to the log, at level INFO.

    The default script, in either language, is not run: its text is made directly. Where INFO is
    not logged, nothing is made and the message follows Success at once.

    Example: a message {"a": 1} is written to the log and follows Success.
    """

    name = "log"
    type = "org.thingsboard.rule.engine.action.TbLogNode"
    icon = "menu"
    form = "tbActionNodeLogConfig"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._script: Script | None = None

    async def start(self, context: Context) -> None:
        self._scripts = context.services.scripts
        if not is_same_script(self.config.javascript, DEFAULT):
            self._script = await self._scripts.load(self.config.javascript)

    async def stop(self) -> None:
        if self._script is not None:
            await self._scripts.unload(self._script)

    def process(self, message: Message, context: Context) -> Outcome:
        if not logger.isEnabledFor(logging.INFO):
            return follow(SUCCESS, message)
        if self._script is None:
            text = (
                f"\nIncoming message:\n{message.data_text()}"
                f"\nIncoming metadata:\n{dumps_text(message.metadata)}"
            )
            logger.info(text)
            return follow(SUCCESS, message)

        self._script.decide(message, context, _write)
        return None


def _write(text: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    if not isinstance(text, str):
        msg = f"the script answered {type(text).__name__}, not a text"
        raise ScriptError(msg)
    logger.info(text)
    return SUCCESS
