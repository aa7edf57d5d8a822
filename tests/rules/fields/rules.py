"""Configurations of alarm rules for tests, in the form of ThingsBoard's wire."""

from typing import Any

from fieldline.domains.calculated_field.configuration import AlarmConfiguration

Json = dict[str, Any]


def series(key: str, default: str | None = None) -> Json:
    return {"refEntityKey": {"key": key, "type": "TS_LATEST"}, "defaultValue": default}


def attribute(key: str, default: str | None = None, scope: str = "SERVER_SCOPE") -> Json:
    return {
        "refEntityKey": {"key": key, "type": "ATTRIBUTE", "scope": scope},
        "defaultValue": default,
    }


def predicate(
    kind: str, operation: str, value: object = None, argument: str | None = None, **more: object
) -> Json:
    held = {"staticValue": value, "dynamicValueArgument": argument}
    return {"type": kind, "operation": operation, "value": held, **more}


def asking(argument: str, *predicates: Json, operation: str | None = None) -> Json:
    return {
        "argument": argument,
        "valueType": "NUMERIC",
        "operation": operation,
        "predicates": list(predicates),
    }


def rule(
    *filters: Json, operation: str | None = None, details: str | None = None, **more: object
) -> Json:
    expression = {"type": "SIMPLE", "filters": list(filters), "operation": operation}
    return {
        "condition": {"type": "SIMPLE", "expression": expression},
        "alarmDetails": details,
        **more,
    }


def numeric(argument: str, operation: str, value: float, details: str | None = None) -> Json:
    return rule(asking(argument, predicate("NUMERIC", operation, value)), details=details)


def configuration(arguments: Json, create: Json, clear: Json | None = None) -> AlarmConfiguration:
    return AlarmConfiguration.model_validate(
        {"type": "ALARM", "arguments": arguments, "createRules": create, "clearRule": clear}
    )


def over(key: str, limit: float) -> AlarmConfiguration:
    """Raise while a time series is over a limit, clear when it is not."""
    return configuration(
        {"value": series(key)},
        {"CRITICAL": numeric("value", "GREATER", limit, f"{key} is ${{value}}")},
        numeric("value", "LESS_OR_EQUAL", limit),
    )
