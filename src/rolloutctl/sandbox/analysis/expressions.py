"""`successCondition` and `failureCondition`: a small, safe evaluator of expr-lang's usual forms.

A value is what JSON has; nothing of Python can be reached from an expression, and its length, its
depth and the number of its steps are bounded.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .functions import FUNCTIONS, ExpressionError, elements, is_number
from .patterns import PatternError, search
from .values import type_name

if TYPE_CHECKING:
    from lark import Lark, Tree

__all__ = ["ExpressionError", "evaluate", "holds"]

LONGEST_CONDITION = 4096
DEEPEST = 100
MOST_STEPS = 100_000
LONGEST = 1.0
"""Seconds."""
LONGEST_TEXT = 1_000_000
_INT64 = 1 << 63


def holds(condition: str, result: Any) -> bool:
    """Whether the condition is true of `result`. Raises ExpressionError.

    Source: argo-rollouts, utils/evaluate/evaluate.go.
    """
    found = evaluate(condition, result)
    if not isinstance(found, bool):
        raise ExpressionError(f"expected bool, but got {type_name(found)}")
    return found


def evaluate(expression: str, result: Any) -> Any:
    """The value of `expression`, in which `result` is known. Raises ExpressionError."""
    if len(expression) > LONGEST_CONDITION:
        raise ExpressionError(f"the condition has more than {LONGEST_CONDITION} characters")
    try:
        return _Evaluation(result).of(_tree(expression))
    except (ArithmeticError, RecursionError, ValueError) as error:
        raise ExpressionError(f"the condition cannot be evaluated: {error}") from error


@lru_cache(maxsize=1)
def _parser() -> Lark:
    import lark

    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return lark.Lark(grammar, parser="lalr", maybe_placeholders=True)


@lru_cache(maxsize=256)
def _tree(expression: str) -> Any:
    import lark

    try:
        return _parser().parse(expression)
    except lark.exceptions.UnexpectedInput as error:
        if isinstance(error, lark.exceptions.UnexpectedToken) and error.token.type == "$END":
            raise ExpressionError("the condition ends too early") from None
        raise ExpressionError(
            f"the condition cannot be understood at column {error.column}, line {error.line}"
        ) from None


class _Evaluation:
    def __init__(self, result: Any) -> None:
        self._result = result
        self._items: list[Any] = []
        self._steps = 0
        self._depth = 0
        self._end = time.monotonic() + LONGEST

    def of(self, node: Tree[Any]) -> Any:
        self._spend(1)
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError("the condition is nested too deep")
        try:
            rule: Callable[..., Any] = getattr(self, f"_on_{node.data}")
            return rule(*node.children)
        finally:
            self._depth -= 1

    def _on_ternary(self, test: Any, _: Any, yes: Any, no: Any) -> Any:
        return self.of(yes) if self._truth(test, "?:") else self.of(no)

    def _on_either(self, left: Any, _: Any, right: Any) -> bool:
        return self._truth(left, "||") or self._truth(right, "||")

    def _on_both(self, left: Any, _: Any, right: Any) -> bool:
        return self._truth(left, "&&") and self._truth(right, "&&")

    def _on_negation(self, _: Any, of: Any) -> bool:
        return not self._truth(of, "!")

    def _truth(self, node: Any, operator: str) -> bool:
        found = self.of(node)
        if not isinstance(found, bool):
            raise ExpressionError(
                f"invalid operation: {operator} (got {type_name(found)}, not bool)"
            )
        return found

    def _on_compare(self, left: Any, operator: Any, right: Any) -> bool:
        one, other = self.of(left), self.of(right)
        comparable = is_number(one) and is_number(other)
        comparable = comparable or (isinstance(one, str) and isinstance(other, str))
        if operator in ("==", "!="):
            if not comparable and self._are_known(left, right, one, other):
                raise _mismatch(operator, one, other)
            return same(one, other) is bool(operator == "==")
        if not comparable:
            raise _mismatch(operator, one, other)
        if operator == "<":
            return bool(one < other)
        if operator == ">":
            return bool(one > other)
        return bool(one <= other) if operator == "<=" else bool(one >= other)

    def _are_known(self, left: Any, right: Any, one: Any, other: Any) -> bool:
        """Whether the types are seen to differ before anything runs: `result == "ok"` of 0.9."""
        seen = {"name", "float", "int", "string", "raw", "true", "false"}
        if one is None or other is None or type_name(one) == type_name(other):
            return False
        return left.data in seen and right.data in seen

    def _on_word(self, left: Any, word: Any, right: Any) -> bool:
        one, other = self.of(left), self.of(right)
        if word == "in":
            return self._is_in(one, other)
        if not isinstance(one, str) or not isinstance(other, str):
            raise _mismatch(word, one, other)
        if word == "contains":
            return bool(other in one)
        if word == "startsWith":
            return bool(one.startswith(other))
        if word == "endsWith":
            return bool(one.endswith(other))
        try:
            return search(other, one)
        except PatternError as error:
            raise ExpressionError(str(error)) from error

    def _on_not_word(self, left: Any, _: Any, word: Any, right: Any) -> bool:
        return not self._on_word(left, word, right)

    def _is_in(self, one: Any, other: Any) -> bool:
        if isinstance(other, dict):
            return isinstance(one, str) and one in other
        if isinstance(other, list):
            self._spend(len(other))
            return any(same(one, each) for each in other)
        if other is None:
            return False
        raise ExpressionError(f'operator "in" not defined on {type_name(other)}')

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS or time.monotonic() > self._end:
            raise ExpressionError("the condition takes too many steps")

    def _on_range(self, left: Any, _: Any, right: Any) -> list[int]:
        start, end = self.of(left), self.of(right)
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in (start, end)):
            raise _mismatch("..", start, end)
        self._spend(max(0, end - start + 1))
        return list(range(start, end + 1))

    def _on_arithmetic(self, left: Any, operator: Any, right: Any) -> Any:
        one, other = self.of(left), self.of(right)
        if operator == "+" and isinstance(one, str) and isinstance(other, str):
            if len(one) + len(other) > LONGEST_TEXT:
                raise ExpressionError("a text in the condition becomes too long")
            return one + other
        if not is_number(one) or not is_number(other):
            raise _mismatch(operator, one, other)
        if operator == "/":
            return _divided(float(one), float(other))
        if operator == "%":
            return _remainder(one, other)
        found = one + other if operator == "+" else one - other if operator == "-" else one * other
        return _wrapped(found)

    def _on_power(self, left: Any, _: Any, right: Any) -> float:
        one, other = self.of(left), self.of(right)
        if not is_number(one) or not is_number(other):
            raise _mismatch("**", one, other)
        try:
            return math.pow(one, other)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.inf if one == 0 else math.nan

    def _on_signed(self, sign: Any, of: Any) -> Any:
        found = self.of(of)
        if not is_number(found):
            raise ExpressionError(f"invalid operation: {sign} (mismatched type {type_name(found)})")
        return -found if sign == "-" else found

    def _on_coalesced(self, left: Any, _: Any, right: Any) -> Any:
        found = self.of(left)
        return self.of(right) if found is None else found

    def _on_field(self, of: Any, _: Any, name: Any) -> Any:
        return _fetch(self.of(of), str(name))

    def _on_optional_field(self, of: Any, _: Any, name: Any) -> Any:
        found = self.of(of)
        return None if found is None else _fetch(found, str(name))

    def _on_index(self, of: Any, at: Any) -> Any:
        return _fetch(self.of(of), self.of(at))

    def _on_slice(self, of: Any, start: Any, end: Any) -> Any:
        found = self.of(of)
        if not isinstance(found, list | str):
            raise ExpressionError(f"cannot slice {type_name(found)}")
        limits = [None if each is None else self.of(each) for each in (start, end)]
        for limit in limits:
            if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
                raise ExpressionError(f"cannot slice with {type_name(limit)}")
        return found[limits[0] : limits[1]]

    def _on_float(self, text: Any) -> float:
        return float(text.replace("_", ""))

    def _on_int(self, text: Any) -> int:
        found = int(text.replace("_", ""))
        if found >= _INT64:
            raise ExpressionError(f"the number {text} is too large")
        return found

    def _on_string(self, text: Any) -> str:
        return _ESCAPE.sub(_unescaped, str(text[1:-1]))

    def _on_raw(self, text: Any) -> str:
        return str(text[1:-1])

    def _on_true(self, _: Any) -> bool:
        return True

    def _on_false(self, _: Any) -> bool:
        return False

    def _on_nil(self, _: Any) -> None:
        return None

    def _on_name(self, name: Any) -> Any:
        if name != "result":
            raise ExpressionError(f"unknown name {name}")
        return self._result

    def _on_item(self, _: Any) -> Any:
        if not self._items:
            raise ExpressionError("# is only known inside of all, any, none, one, filter, …")
        return self._items[-1]

    def _on_item_field(self, _: Any, name: Any) -> Any:
        return _fetch(self._on_item(_), str(name))

    def _on_array(self, arguments: Any) -> list[Any]:
        return [self.of(each) for each in _children(arguments)]

    def _on_call(self, name: Any, arguments: Any) -> Any:
        given = _children(arguments)
        if name in _PREDICATES:
            return self._predicate(str(name), given)
        if name not in FUNCTIONS:
            raise ExpressionError(f"unknown function {name}")
        function, wanted = FUNCTIONS[name]
        if wanted is not None and len(given) != wanted:
            few = "not enough" if len(given) < wanted else "too many"
            raise ExpressionError(f"{few} arguments to call {name}")
        values = [self.of(each) for each in given]
        self._spend(sum(len(each) for each in values if isinstance(each, list)))
        return function(*values)

    def _predicate(self, name: str, given: list[Any]) -> Any:
        if len(given) != 2 and not (name == "count" and len(given) == 1):
            raise ExpressionError(f"invalid number of arguments for {name}")
        found = elements(self.of(given[0]), name)
        judged = [self._of_item(given[1] if len(given) == 2 else None, each) for each in found]
        if name == "map":
            return judged
        for each in judged:
            if not isinstance(each, bool):
                raise ExpressionError(f"predicate should return boolean (got {type_name(each)})")
        if name == "filter":
            return [each for each, yes in zip(found, judged, strict=True) if yes]
        return _PREDICATES[name](judged)

    def _of_item(self, node: Any, item: Any) -> Any:
        if node is None:
            return item
        self._items.append(item)
        try:
            return self.of(node)
        finally:
            self._items.pop()


_PREDICATES: dict[str, Callable[[list[bool]], Any]] = {
    "all": all,
    "any": any,
    "none": lambda judged: not any(judged),
    "one": lambda judged: sum(judged) == 1,
    "count": sum,
    "filter": list,
    "map": list,
}


def same(one: Any, other: Any) -> bool:
    """Equal as in Go: true is not 1, and what is of another type differs."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if is_number(one) and is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code, 16))
    if found[3] in _ESCAPES:
        return _ESCAPES[found[3]]
    if found[3] not in "\\\"'`":
        raise ExpressionError(f"\\{found[3]} is not known in a text")
    return found[3]


def _children(arguments: Any) -> list[Any]:
    return [] if arguments is None else [each for each in arguments.children if each is not None]


def _mismatch(operator: str, one: Any, other: Any) -> ExpressionError:
    types = f"{type_name(one)} and {type_name(other)}"
    return ExpressionError(f"invalid operation: {operator} (mismatched types {types})")


def _fetch(of: Any, key: Any) -> Any:
    if isinstance(of, dict) and isinstance(key, str):
        return of.get(key)
    if isinstance(of, list | str) and is_number(key) and float(key).is_integer():
        at = int(key)
        if not -len(of) <= at < len(of):
            raise ExpressionError(f"index out of range: {at} (array length is {len(of)})")
        return of[at]
    if of is None:
        raise ExpressionError(f"cannot fetch {key} from <nil>")
    raise ExpressionError(f"cannot fetch {key} from {type_name(of)}")


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)


def _remainder(one: Any, other: Any) -> int:
    if not isinstance(one, int) or not isinstance(other, int):
        raise _mismatch("%", one, other)
    if other == 0:
        raise ExpressionError("integer divide by zero")
    return int(math.fmod(one, other))


def _wrapped(found: Any) -> Any:
    """An int64 that overflows starts again at the other end."""
    return (found + _INT64) % (2 * _INT64) - _INT64 if isinstance(found, int) else found
