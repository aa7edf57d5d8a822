"""An alarm rule compiled from its configuration: arguments by position, conditions as calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from fieldline.domains.alarm.status import Propagation, Severity
from fieldline.domains.calculated_field.configuration import (
    AlarmConfiguration,
    Argument,
    ArgumentType,
    Rule,
    SimpleExpression,
)
from fieldline.kit.errors import Invalid
from fieldline.kit.java_text import value_text
from fieldline.kit.values import Value
from fieldline.rules.fields.conditions import Holds, Values, compile_expression
from fieldline.timeseries.store import Scope

Cell = tuple[Scope | None, str]
"""Which value of an entity: the scope of an attribute (None for a time series) and its key."""


class Held(NamedTuple):
    """A value and the time it is of."""

    ts_ms: int
    value: Value


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """When, and what the alarm then says; ``severity`` is None for the rule that clears."""

    severity: Severity | None
    holds: Holds
    details_text: str | None
    dashboard_id: UUID | None

    def details(self, names: tuple[str, ...], values: Values) -> dict[str, Any] | None:
        """Return the alarm's details; None keeps the ones there are."""
        details: dict[str, Any] = {}
        if self.details_text is not None:
            text = self.details_text
            for name, value in zip(names, values, strict=True):
                text = text.replace(f"${{{name}}}", value_text(value))
            # PostgreSQL stores no U+0000.
            details["data"] = text.replace("\0", "\ufffd")
        if self.dashboard_id is not None:
            details["dashboardId"] = str(self.dashboard_id)
        return details or None


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """One alarm rule. ``defaults`` are by position; None is no default."""

    id: UUID
    name: str
    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    defaults: tuple[Value | None, ...]
    create_rules: tuple[CompiledRule, ...]
    clear_rule: CompiledRule | None
    propagation: Propagation

    def arguments(self, held: Mapping[Cell, Held]) -> tuple[list[Value], int] | None:
        """Return the arguments' values and the newest time of any; None while one is missing."""
        values: list[Value] = []
        newest = 0
        for cell, default in zip(self.cells, self.defaults, strict=True):
            found = held.get(cell)
            if found is not None:
                values.append(found.value)
                if found.ts_ms > newest:  # noqa: PLR1730 - a call of max costs more than all of this
                    newest = found.ts_ms
            elif default is not None:
                values.append(default)
            else:
                return None
        return values, newest


def compile_rule(rule_id: UUID, name: str, configuration: AlarmConfiguration) -> AlarmRule:
    """Compile a checked configuration.

    Raises:
        Invalid: it holds what cannot be evaluated.
    """
    names = tuple(configuration.arguments)
    arguments = configuration.arguments.values()
    clear = configuration.clear_rule
    return AlarmRule(
        id=rule_id,
        name=name,
        names=names,
        cells=tuple(_cell(argument) for argument in arguments),
        defaults=tuple(default_value(argument.default_value) for argument in arguments),
        create_rules=tuple(
            _compile(severity, configuration.create_rules[severity], names)
            for severity in Severity
            if severity in configuration.create_rules
        ),
        clear_rule=_compile(None, clear, names) if clear is not None else None,
        propagation=Propagation(
            to_related=configuration.propagate,
            to_owner=configuration.propagate_to_owner,
            to_tenant=configuration.propagate_to_tenant,
            relation_types=tuple(configuration.propagate_relation_types or ()),
        ),
    )


def default_value(text: str | None) -> Value | None:
    """Read an argument's default: a number, a boolean, else the text; blank is no default."""
    if text is None or not text.strip():
        return None
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _cell(argument: Argument) -> Cell:
    key = argument.ref_entity_key
    return (key.scope if key.type is ArgumentType.ATTRIBUTE else None, key.key)


def _compile(severity: Severity | None, rule: Rule, names: tuple[str, ...]) -> CompiledRule:
    expression = rule.condition.expression
    if not isinstance(expression, SimpleExpression):
        msg = f"Expressions of type {expression.type} cannot be evaluated"
        raise Invalid(msg)
    return CompiledRule(
        severity=severity,
        holds=compile_expression(expression, names),
        details_text=rule.alarm_details or None,
        dashboard_id=rule.dashboard_id.id if rule.dashboard_id is not None else None,
    )
