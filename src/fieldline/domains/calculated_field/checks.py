"""Which alarm rules make sense, and which of them Fieldline can evaluate.

A rule that would not be evaluated as written is refused when it is saved, with a message that says
what is possible; it is never stored and then ignored.
"""

from collections.abc import Iterator

from fieldline.domains.calculated_field.configuration import (
    AlarmConfiguration,
    Argument,
    ArgumentType,
    ComplexPredicate,
    Condition,
    ConditionValue,
    NoDataPredicate,
    Predicate,
    SimpleCondition,
    SimpleExpression,
)
from fieldline.kit.errors import Invalid

RESERVED_NAMES = frozenset({"ctx"})
MAX_NESTING = 8
"""Predicates inside predicates."""


def check(configuration: AlarmConfiguration) -> None:
    """Let a rule through or say what is wrong with it.

    Raises:
        Invalid: it makes no sense, or uses what is not supported.
    """
    if not configuration.arguments:
        raise Invalid("An alarm rule needs at least one argument")
    for name, argument in configuration.arguments.items():
        _check_argument(name, argument)
    if not configuration.create_rules:
        raise Invalid("An alarm rule needs a create rule for at least one severity")
    for rule in configuration.rules:
        _check_condition(rule.condition, configuration)


def _check_argument(name: str, argument: Argument) -> None:
    if not name.strip() or name in RESERVED_NAMES:
        msg = f"'{name}' cannot be the name of an argument: it is blank or reserved"
        raise Invalid(msg)
    if argument.ref_entity_id or argument.ref_dynamic_source_configuration:
        msg = (
            f"Argument '{name}' is of another entity, which alarm rules do not support: leave "
            "refEntityId and refDynamicSourceConfiguration null for the entity itself"
        )
        raise Invalid(msg)
    key = argument.ref_entity_key
    if not key.key.strip():
        msg = f"Argument '{name}' needs the key of a time series or attribute"
        raise Invalid(msg)
    if key.type is ArgumentType.TS_ROLLING:
        msg = f"Argument '{name}' is TS_ROLLING; alarm rules take TS_LATEST or ATTRIBUTE"
        raise Invalid(msg)
    if key.type is ArgumentType.ATTRIBUTE and key.scope is None:
        msg = (
            f"Argument '{name}' needs the scope of its attribute: SERVER_SCOPE, SHARED_SCOPE or "
            "CLIENT_SCOPE"
        )
        raise Invalid(msg)


def _check_condition(condition: Condition, configuration: AlarmConfiguration) -> None:
    if not isinstance(condition, SimpleCondition):
        msg = f"Conditions of type {condition.type} are not supported; SIMPLE is"
        raise Invalid(msg)
    schedule = condition.schedule
    if schedule and (
        schedule.dynamic_value_argument or (schedule.static_value or {}).get("type") != "ANY_TIME"
    ):
        raise Invalid("Schedules are not supported; leave schedule null or use ANY_TIME")
    if not isinstance(condition.expression, SimpleExpression):
        raise Invalid("TBEL expressions are not supported in alarm rules; use SIMPLE filters")
    if not condition.expression.filters:
        raise Invalid("A condition needs at least one filter")
    for item in condition.expression.filters:
        _check_known(item.argument, configuration)
        for predicate in _flat(item.predicates):
            _check_predicate(predicate, configuration)


def _flat(predicates: list[Predicate], depth: int = 0) -> Iterator[Predicate]:
    if not predicates:
        raise Invalid("A filter, and a COMPLEX predicate, needs at least one predicate")
    if depth > MAX_NESTING:
        msg = f"Predicates are nested deeper than {MAX_NESTING} levels"
        raise Invalid(msg)
    for predicate in predicates:
        if isinstance(predicate, ComplexPredicate):
            yield from _flat(predicate.predicates, depth + 1)
        else:
            yield predicate


def _check_predicate(predicate: Predicate, configuration: AlarmConfiguration) -> None:
    if isinstance(predicate, NoDataPredicate):
        raise Invalid("NO_DATA is not supported; use STRING, NUMERIC, BOOLEAN or COMPLEX")
    if not isinstance(predicate, ComplexPredicate):
        _check_value(predicate.value, configuration)


def _check_value(
    value: ConditionValue[str] | ConditionValue[float] | ConditionValue[bool],
    configuration: AlarmConfiguration,
) -> None:
    if (value.static_value is None) == (value.dynamic_value_argument is None):
        raise Invalid("A predicate's value is either staticValue or dynamicValueArgument")
    if value.dynamic_value_argument is not None:
        _check_known(value.dynamic_value_argument, configuration)


def _check_known(name: str, configuration: AlarmConfiguration) -> None:
    if name not in configuration.arguments:
        msg = f"There is no argument '{name}' in this alarm rule"
        raise Invalid(msg)
