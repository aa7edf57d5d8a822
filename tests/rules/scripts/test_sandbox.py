"""What a script may do, and how it is stopped."""

import pytest

from fieldline.rules.scripts.sandbox import (
    Sandbox,
    ScriptError,
    ScriptLimitError,
    ScriptLimits,
    answer_of,
)

LIMITS = ScriptLimits(timeout_s=0.1, memory_bytes=8_000_000)


def _run(body: str, msg: str = "{}", metadata: str = "{}", msg_type: str = "T") -> str | None:
    return Sandbox(body, LIMITS).call(msg, metadata, msg_type)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return msg.a + 1;", "3"),
        ("return metadata.name + msgType;", '"pumpT"'),
        ("return {d: new Date(0), u: undefined};", '{"d":"1970-01-01T00:00:00.000Z"}'),
        ("return;", None),
        ("return () => 1;", None),
        ("// async in a comment, 'await' in a text\nreturn 'await';", '"await"'),
        ("return 'a\\nb' + `c${1 + 1}`;", '"a\\nbc2"'),
        ("const asyncValue = 1, my = {await1: 2}; return asyncValue + my.await1;", "3"),
    ],
)
def test_answers_as_json(body: str, result: str | None) -> None:
    assert _run(body, '{"a":2}', '{"name":"pump"}') == result


@pytest.mark.parametrize(
    "body",
    [
        "return require('fs');",
        "return process.env;",
        "return fetch('http://x');",
        "return std.open('x');",
        "return os.now();",
        "throw new Error('mine');",
        "return JSON.stringify(1n);",
    ],
)
def test_an_error_is_told_in_a_line(body: str) -> None:
    with pytest.raises(ScriptError) as caught:
        _run(body)

    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "body",
    ["return (", "async function f() {}", "setTimeout(f, 1);", "await 1"],
)
def test_refuses_what_does_not_compile_or_would_wait(body: str) -> None:
    with pytest.raises(ScriptError):
        Sandbox(body, LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        "while (true) {}",
        "const a = []; while (true) a.push('x'.repeat(1000) + a.length);",
        "return /(a+)+$/.test('a'.repeat(40) + 'b');",
    ],
)
def test_is_stopped_over_a_limit(body: str) -> None:
    with pytest.raises(ScriptLimitError):
        _run(body)


@pytest.mark.parametrize(
    "before",
    [
        "throw {toString() { while (true) {} }};",
        "Error.prototype.toString = () => { while (true) {} };",
        "InternalError.prototype.toString = () => { while (true) {} };",
        "Object.prototype[Symbol.toPrimitive] = () => { while (true) {} };",
        "Object.prototype.toJSON = () => { while (true) {} }; return {};",
        "Error.prepareStackTrace = () => { while (true) {} };",
        "Object.defineProperty(Error.prototype, 'stack', {get() { while (true) {} }});",
        "Object.defineProperty(Error.prototype, 'message', {get() { while (true) {} }});",
        "Object.setPrototypeOf(InternalError.prototype, {toString() { while (true) {} }});",
    ],
)
def test_telling_the_error_is_within_the_limits_too(before: str) -> None:
    with pytest.raises(ScriptLimitError, match="stopped after"):
        _run(f"{before} while (true) {{}}")


def test_an_error_of_its_own_may_not_even_have_a_text() -> None:
    with pytest.raises(ScriptError, match="without a text"):
        _run("throw {toString() { throw 1; }};")


@pytest.mark.parametrize("length", [509, 510, 511, 512, 513, 9_000, 200_000])
def test_a_long_answer_comes_whole(length: int) -> None:
    # Of its own: on a busy machine the loop may take longer than the others are given.
    limits = ScriptLimits(timeout_s=30, memory_bytes=LIMITS.memory_bytes)
    body = f"let s = ''; while (s.length < {length}) s += 'a'; return s;"

    answer = Sandbox(body, limits).call("{}", "{}", "T")

    assert answer_of(answer) == "a" * length


def test_an_answer_that_begins_as_errors_are_marked_is_no_error() -> None:
    assert answer_of(_run("return '!' + 'a'.repeat(600);")) == "!" + "a" * 600


@pytest.mark.parametrize(
    "body",
    [
        "throw new Error('a'.repeat(2000) + 'b');",
        "String.prototype.slice = null; Reflect.apply = null; throw 'a'.repeat(2000) + 'b';",
    ],
)
def test_a_long_error_is_cut(body: str) -> None:
    with pytest.raises(ScriptError, match=r"a{200}") as caught:
        _run(body)

    assert len(caught.value.message) < 400


def test_half_a_surrogate_pair_is_an_error() -> None:
    with pytest.raises(ScriptError, match="Unicode"):
        answer_of(_run("return '\\ud800';"))


def test_endless_recursion_is_an_error() -> None:
    with pytest.raises(ScriptError):
        _run("function f() { return f() + 1; } return f();")


def test_runs_on_after_it_was_stopped() -> None:
    sandbox = Sandbox("while (msg.hang) {} return 1;", LIMITS)
    with pytest.raises(ScriptLimitError):
        sandbox.call('{"hang":true}', "{}", "T")

    assert sandbox.call("{}", "{}", "T") == "1"


def test_changing_json_does_not_reach_the_platform() -> None:
    sandbox = Sandbox("JSON.stringify = () => 'forged'; JSON.parse = null; return 1;", LIMITS)

    assert [sandbox.call("{}", "{}", "T") for _ in range(2)] == ["1", "1"]


def test_arguments_and_answers_have_a_longest_length() -> None:
    limits = ScriptLimits(arguments_length=50, result_length=10)

    with pytest.raises(ScriptError, match="takes at most 50"):
        Sandbox("return 1;", limits).call(f'"{"x" * 50}"', "{}", "T")
    with pytest.raises(ScriptError, match="10 are allowed"):
        Sandbox("return 'x'.repeat(20);", limits).call("{}", "{}", "T")
