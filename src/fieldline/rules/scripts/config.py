"""What every node with a script is configured by: the language, and a body in each."""

import re
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from fieldline.rules.node import NodeConfig
from fieldline.rules.scripts.sandbox import ScriptLimits, check_body

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")


class ScriptLanguage(StrEnum):
    """Languages by their names on the wire."""

    JS = "JS"
    TBEL = "TBEL"


def is_same_script(one: str, other: str) -> bool:
    """Whether two scripts differ in nothing but comments and white space."""
    return _bare(one) == _bare(other)


def _bare(script: str) -> str:
    return _SPACE.sub("", _COMMENTS.sub("", script))


class ScriptConfig(NodeConfig):
    """Base of the configurations of nodes with a script.

    A subclass names its two fields and the TBEL scripts that are known with their JavaScript.
    TBEL in general is not run yet: a chain that has other TBEL is refused when it is saved.
    """

    script_fields: ClassVar[tuple[str, str]]
    """Names of the fields with the JavaScript and the TBEL body."""
    tbel_defaults: ClassVar[dict[str, str]]
    """TBEL that is known -> JavaScript that does the same."""

    script_lang: ScriptLanguage = Field(
        default=ScriptLanguage.TBEL,
        description="Language of the script that is used. JS can be any script; of TBEL only the "
        "node's default script is understood.",
    )

    @model_validator(mode="before")
    @classmethod
    def _language_of_old_chains(cls, values: object) -> object:
        """A chain from before TBEL names no language; it is JavaScript then."""
        if (
            isinstance(values, dict)
            and values
            and not (values.get("scriptLang") or values.get("script_lang"))
        ):
            return {**values, "scriptLang": ScriptLanguage.JS}
        return values

    @model_validator(mode="after")
    def _script_can_run(self) -> Self:
        check_body(self.javascript, ScriptLimits())
        return self

    @property
    def javascript(self) -> str:
        """The script to run.

        Raises:
            ValueError: it is TBEL, and not the default one.
        """
        script: str = getattr(self, self.script_fields[self.script_lang is ScriptLanguage.TBEL])
        if self.script_lang is ScriptLanguage.JS:
            return script
        for tbel, javascript in self.tbel_defaults.items():
            if is_same_script(script, tbel):
                return javascript
        msg = (
            "scripts in TBEL are not supported, only the node's default one is understood; "
            "write the script in JavaScript and set scriptLang to JS"
        )
        raise ValueError(msg)
