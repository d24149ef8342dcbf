"""The functions a condition may call, on values that are already there.

Source: argo-rollouts, utils/evaluate/evaluate.go, and the builtins of expr-lang.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable
from typing import Any

from .values import float_text, marshalled, type_name

Function = Callable[..., Any]


class ExpressionError(Exception):
    """A condition that cannot be evaluated; the text says why."""


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any, asked_by: str) -> Any:
    if not is_number(value):
        raise ExpressionError(f"invalid argument for {asked_by} (type {type_name(value)})")
    return value


def _text(value: Any, asked_by: str) -> str:
    if not isinstance(value, str):
        raise ExpressionError(
            f"cannot use {type_name(value)} as argument (type string) to call {asked_by}"
        )
    return value


def elements(value: Any, asked_by: str) -> list[Any]:
    if not isinstance(value, list):
        raise ExpressionError(f"builtin {asked_by} takes only array (got {type_name(value)})")
    return value


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf|nan", re.I)


def _as_int(value: Any) -> int:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            raise ExpressionError(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        return int(value)
    found = _supported(value, "asInt")
    if math.isnan(found) or math.isinf(found):
        raise ExpressionError(f"asInt() not supported on float64 {float_text(found)}")
    return int(found)


def _as_float(value: Any) -> float:
    if isinstance(value, str):
        if not _FLOAT.fullmatch(value):
            raise ExpressionError(f'strconv.ParseFloat: parsing "{value}": invalid syntax')
        return float(value)
    return float(_supported(value, "asFloat"))


def _supported(value: Any, asked_by: str) -> Any:
    if not is_number(value):
        what = "<nil> <nil>" if value is None else f"{type_name(value)} {marshalled(value)}"
        raise ExpressionError(f"{asked_by}() not supported on {what[:200]}")
    return value


def _length(value: Any) -> int:
    if not isinstance(value, list | dict | str):
        raise ExpressionError(f"invalid argument for len (type {type_name(value)})")
    return len(value)


def _numbers(values: tuple[Any, ...], asked_by: str) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    return [number(each, asked_by) for each in flat]


def _some_numbers(values: tuple[Any, ...], asked_by: str) -> list[Any]:
    found = _numbers(values, asked_by)
    if not found:
        raise ExpressionError(f"not enough arguments to call {asked_by}")
    return found


def _keys(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise ExpressionError(f"cannot get keys from {type_name(value)}")
    return list(value)


def _values(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise ExpressionError(f"cannot get values from {type_name(value)}")
    return list(value.values())


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    return float_text(value) if isinstance(value, float) else marshalled(value)


def _first(value: Any) -> Any:
    found = elements(value, "first")
    return found[0] if found else None


def _last(value: Any) -> Any:
    found = elements(value, "last")
    return found[-1] if found else None


def _rounded(value: Any, to: Function, asked_by: str) -> float:
    found = float(number(value, asked_by))
    return found if math.isnan(found) or math.isinf(found) else float(to(found))


def _away_from_zero(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


FUNCTIONS: dict[str, tuple[Function, int | None]] = {
    "len": (_length, 1),
    "asInt": (_as_int, 1),
    "asFloat": (_as_float, 1),
    "isNaN": (lambda value: math.isnan(number(value, "isNaN")), 1),
    "isInf": (lambda value: math.isinf(number(value, "isInf")), 1),
    "isNil": (lambda value: value is None, 1),
    "default": (lambda value, other: other if value is None else value, 2),
    "int": (_as_int, 1),
    "float": (_as_float, 1),
    "string": (_string, 1),
    "abs": (lambda value: abs(number(value, "abs")), 1),
    "ceil": (lambda value: _rounded(value, math.ceil, "ceil"), 1),
    "floor": (lambda value: _rounded(value, math.floor, "floor"), 1),
    "round": (lambda value: _rounded(value, _away_from_zero, "round"), 1),
    "max": (lambda *values: max(_some_numbers(values, "max")), None),
    "min": (lambda *values: min(_some_numbers(values, "min")), None),
    "sum": (lambda values: sum(_numbers((elements(values, "sum"),), "sum")), 1),
    "mean": (lambda *values: _mean(_numbers(values, "mean")), None),
    "median": (lambda *values: _median(_numbers(values, "median")), None),
    "first": (_first, 1),
    "last": (_last, 1),
    "keys": (_keys, 1),
    "values": (_values, 1),
    "lower": (lambda value: _text(value, "lower").lower(), 1),
    "upper": (lambda value: _text(value, "upper").upper(), 1),
    "trim": (lambda value: _text(value, "trim").strip(), 1),
}
"""Name to function and how many arguments it takes, None where that is open."""


def _mean(values: list[Any]) -> float:
    return sum(values) / len(values) if values else 0.0


def _median(values: list[Any]) -> float:
    return float(statistics.median(values)) if values else 0.0
