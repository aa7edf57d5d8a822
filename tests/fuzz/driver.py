"""Sends cases that schemathesis makes from the document and checks the answers against it.

Operations come in turn, each with every role, good and bad input. With the same seed the same kinds
of cases are sent; ids differ, because the server chooses them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as openapi_checks

from fieldline.api.v1.auth import NO_MAIL
from fieldline.domains.user.activation import NO_SERVER
from tests.fuzz.actors import DEVICE_TOKEN, TIMEOUT_S, Actor, first_ids
from tests.fuzz.pool import Pool, kind_of

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
EXAMPLES = 6
"""Cases of an operation in a round, of each role and mode."""
DIALECTS: dict[str, Callable[[str], bool]] = {
    "thingsboard": lambda path: path.startswith("/api/") and not path.startswith("/api/v1/"),
    "v1": lambda path: path.startswith("/api/v1/") and not path.startswith("/api/v1/{token}"),
    "device": lambda path: path.startswith("/api/v1/{token}"),
}
"""Dialect -> whether a path is its."""
FRAMING = ("Content-Length", "Transfer-Encoding")
POLLS = ("/{token}/attributes/updates", "/{token}/rpc")
"""A GET of these waits for news, a minute unless it says less."""
COMMANDS = ("/rpc/oneway/", "/rpc/twoway/")
"""A POST to these waits for a device, as long as its body says."""
CALL = "/{token}/rpc"
"""A POST to this waits for a rule to answer, except to the method that the platform answers."""


@dataclass
class Run:
    """What a run found: one failure for each operation and kind, with how to do it again."""

    dialect: str
    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def report(self) -> str:
        """Say what was done and found."""
        done = f"{self.cases} cases of {len(self.operations)} operations"
        statuses = dict(sorted(self.statuses.items()))
        lines = [f"{self.dialect}: {done}, {len(self.succeeded)} with success; {statuses}"]
        lines += [f"\n{where}: {what}\n{how}" for (where, what), how in self.failures.items()]
        return "\n".join(lines)


def fuzz(
    document: dict[str, Any], dialect: str, actors: list[Actor], *, seconds: float, seed: int = 0
) -> Run:
    """Fuzz one dialect for some seconds, at least one case of each operation in any case."""
    schema: Any = schemathesis.openapi.from_dict(document)
    found = list(schema.get_all_operations())
    operations = [each.ok() for each in found if DIALECTS[dialect](each.ok().path)]
    pool = first_ids(actors[0], document)
    needed = frozenset().union(*(actor.own for actor in actors))
    run, until = Run(dialect), time.monotonic() + seconds
    for number, (operation, actor, mode) in enumerate(_turns(operations, actors)):
        if time.monotonic() > until and number >= len(operations):
            return run
        _try(run, (operation, actor, mode), pool, needed, seed + number)
    return run


def _turns(operations: list[Any], actors: list[Actor]) -> Iterator[tuple[Any, Actor, Any]]:
    """Give operations with a role and good or bad input, without end."""
    if not operations:
        return
    while True:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            for actor in actors:
                for operation in operations:
                    yield operation, actor, mode


def _try(
    run: Run, turn: tuple[Any, Actor, Any], pool: Pool, needed: frozenset[str], seed: int
) -> None:
    operation, actor, mode = turn
    actor.log_in()
    cases = operation.as_strategy(generation_mode=mode)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(data=st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(cases)
        known = pool if case.method == "GET" else pool.without(needed)
        kind = kind_of(case.path)
        for part in ("path_parameters", "query", "body"):
            value = getattr(case, part)
            if isinstance(value, dict | list):
                setattr(case, part, known.mix(value, data.draw, kind))
        if "token" in (case.path_parameters or {}) and data.draw(st.booleans()):
            case.path_parameters = {**case.path_parameters, "token": DEVICE_TOKEN}
        for name in FRAMING:
            # Nonsense in these is no HTTP; the server's parser says so before the application.
            if case.headers is not None:
                case.headers.pop(name, None)
        _hurry(case)
        _send(run, case, actor, pool)

    try:
        send()
    except hypothesis.errors.Unsatisfiable:
        return  # Nothing can be wrong in this one's input.


def _hurry(case: Any) -> None:
    """Have a request wait for a shorter time than the fuzzer; what is wrong stays wrong."""
    if case.method == "GET" and case.path.endswith(POLLS):
        case.query = {**(case.query or {}), "timeout": 1}
    if case.method != "POST" or not isinstance(case.body, dict):
        return
    shorter: dict[str, object] = {}
    if case.path.endswith(CALL):
        shorter = {"method": "getSessionLimits"}
    elif any(part in case.path for part in COMMANDS):
        shorter = {"timeout": 0, "expirationTime": 1}
    changed = {key: value for key, value in shorter.items() if _is_like(case.body.get(key), value)}
    case.body = {**case.body, **changed}


def _is_like(given: object, value: object) -> bool:
    return type(given) is type(value) and (not isinstance(given, int) or given > 0)


def _send(run: Run, case: Any, actor: Actor, pool: Pool) -> None:
    where = f"{case.method} {case.path}"
    response = case.call(base_url=actor.url, session=actor.session, timeout=TIMEOUT_S)
    run.cases += 1
    run.operations.add(where)
    run.statuses[response.status_code] = run.statuses.get(response.status_code, 0) + 1
    if response.status_code < 300:
        run.succeeded.add(where)
        if "json" in response.headers.get("content-type", [""])[0]:
            pool.learn(kind_of(case.path), response.json())
    told = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    if not response.content and told.get("x-may-be-empty"):
        return
    # There is no mail server, and the answer says so.
    is_mail = any(text in response.text for text in (NO_SERVER, NO_MAIL))
    checked = CHECKS[1:] if is_mail else CHECKS
    try:
        case.validate_response(response, checks=checked)
    except FailureGroup as group:
        for failure in group.exceptions:
            what = f"as {actor.role}: {response.status_code}: {type(failure).__name__}"
            how = f"{str(failure)[:1500]}\n{case.as_curl_command()[:3000]}"
            run.failures.setdefault((where, what), how)
