"""The configuration of an alarm rule, as it is stored and as ThingsBoard's wire has it.

All that the wire knows can be read; :mod:`fieldline.domains.calculated_field.checks` says which of
it Fieldline evaluates.
"""

from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from fieldline.domains.alarm.status import Severity
from fieldline.timeseries.store import Scope

T = TypeVar("T")


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _WithoutNulls(_Part):
    @model_serializer(mode="wrap")
    def _leave_out_nulls(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if value is not None}


class ArgumentType(StrEnum):
    """Where an argument's value comes from."""

    TS_LATEST = "TS_LATEST"
    ATTRIBUTE = "ATTRIBUTE"
    TS_ROLLING = "TS_ROLLING"


class ReferencedEntityKey(_WithoutNulls):
    key: str
    type: ArgumentType
    scope: Scope | None = None


class Argument(_WithoutNulls):
    """A named value that conditions speak of."""

    ref_entity_id: dict[str, Any] | None = None
    ref_dynamic_source_configuration: dict[str, Any] | None = None
    ref_entity_key: ReferencedEntityKey
    default_value: str | None = None
    limit: int | None = None
    time_window: int | None = None


class ConditionValue(_Part, Generic[T]):
    """Either a value or the name of the argument that holds it."""

    static_value: T | None = None
    dynamic_value_argument: str | None = None


class Operation(StrEnum):
    """How an argument is compared."""

    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER = "GREATER"
    LESS = "LESS"
    GREATER_OR_EQUAL = "GREATER_OR_EQUAL"
    LESS_OR_EQUAL = "LESS_OR_EQUAL"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    IN = "IN"
    NOT_IN = "NOT_IN"


class Joined(StrEnum):
    """How several conditions are joined."""

    AND = "AND"
    OR = "OR"


StringOperation = Literal[
    Operation.EQUAL,
    Operation.NOT_EQUAL,
    Operation.STARTS_WITH,
    Operation.ENDS_WITH,
    Operation.CONTAINS,
    Operation.NOT_CONTAINS,
    Operation.IN,
    Operation.NOT_IN,
]
NumericOperation = Literal[
    Operation.EQUAL,
    Operation.NOT_EQUAL,
    Operation.GREATER,
    Operation.LESS,
    Operation.GREATER_OR_EQUAL,
    Operation.LESS_OR_EQUAL,
]
BooleanOperation = Literal[Operation.EQUAL, Operation.NOT_EQUAL]


class StringPredicate(_Part):
    type: Literal["STRING"]
    operation: StringOperation
    value: ConditionValue[str]
    ignore_case: bool = False


class NumericPredicate(_Part):
    type: Literal["NUMERIC"]
    operation: NumericOperation
    value: ConditionValue[FiniteFloat]


class BooleanPredicate(_Part):
    type: Literal["BOOLEAN"]
    operation: BooleanOperation
    value: ConditionValue[bool]


class NoDataPredicate(_Part):
    type: Literal["NO_DATA"]
    unit: str
    duration: ConditionValue[int]


class ComplexPredicate(_Part):
    type: Literal["COMPLEX"]
    operation: Joined | None = None
    predicates: list["Predicate"]


Predicate = Annotated[
    StringPredicate | NumericPredicate | BooleanPredicate | NoDataPredicate | ComplexPredicate,
    Field(discriminator="type"),
]


class Filter(_Part):
    """What is asked of one argument."""

    argument: str
    value_type: Literal["STRING", "NUMERIC", "BOOLEAN", "DATE_TIME"]
    operation: Joined | None = None
    predicates: list[Predicate]


class SimpleExpression(_Part):
    type: Literal["SIMPLE"]
    filters: list[Filter]
    operation: Joined | None = None


class TbelExpression(_Part):
    type: Literal["TBEL"]
    expression: str


Expression = Annotated[SimpleExpression | TbelExpression, Field(discriminator="type")]


class SimpleCondition(_Part):
    type: Literal["SIMPLE"]
    expression: Expression
    schedule: ConditionValue[dict[str, Any]] | None = None


class DurationCondition(_Part):
    type: Literal["DURATION"]
    expression: Expression
    schedule: ConditionValue[dict[str, Any]] | None = None
    unit: str
    value: ConditionValue[int]


class RepeatingCondition(_Part):
    type: Literal["REPEATING"]
    expression: Expression
    schedule: ConditionValue[dict[str, Any]] | None = None
    count: ConditionValue[int]


Condition = Annotated[
    SimpleCondition | DurationCondition | RepeatingCondition, Field(discriminator="type")
]


class _DashboardId(_Part):
    entity_type: Literal["DASHBOARD"] = "DASHBOARD"
    id: UUID


class Rule(_Part):
    """When, and what the alarm then says."""

    condition: Condition
    alarm_details: str | None = None
    dashboard_id: _DashboardId | None = None


class AlarmConfiguration(_Part):
    """AlarmCalculatedFieldConfiguration on ThingsBoard's wire."""

    type: Literal["ALARM"] = "ALARM"
    arguments: dict[str, Argument]
    create_rules: dict[Severity, Rule]
    clear_rule: Rule | None = None
    propagate: bool = False
    propagate_to_owner: bool = False
    propagate_to_tenant: bool = False
    propagate_relation_types: list[str] | None = None
    output: None = None

    @property
    def rules(self) -> list[Rule]:
        """Every rule: those that raise, worst first, then the one that clears."""
        ordered = [self.create_rules[s] for s in Severity if s in self.create_rules]
        return [*ordered, self.clear_rule] if self.clear_rule else ordered
