"""Values of metrics as the controller, a Go program, has them and writes them.

A number of a JSON document is a float64 there, whatever it looks like.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any


def parsed(body: bytes) -> Any:
    """The JSON document with all numbers as float. Raises ValueError for what is no JSON."""
    return json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_no_constant)


def _number(written: str) -> float:
    found = float(written)
    if math.isinf(found):
        raise ValueError(f"the number {written[:20]} is too large")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def as_read(value: Any) -> Any:
    """A value of a YAML or JSON document as it is after a trip through JSON."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list | tuple):
        return [as_read(each) for each in value]
    if isinstance(value, dict):
        return {str(key): as_read(each) for key, each in value.items()}
    return str(value)


def float_text(number: float) -> str:
    """All digits a float64 needs and no exponent: "0.99", "5", "NaN", "+Inf"."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def marshalled(value: Any) -> str:
    """The value as Go's encoding/json writes it: keys sorted, no spaces, no "<" or "&"."""
    if isinstance(value, float):
        return _json_number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(marshalled, value)) + "]"
    if isinstance(value, dict):
        members = (f"{_json_text(key)}:{marshalled(value[key])}" for key in sorted(value))
        return "{" + ",".join(members) + "}"
    return _json_text(value) if isinstance(value, str) else json.dumps(value)


def _json_number(number: float) -> str:
    if number and not 1e-6 <= abs(number) < 1e21:
        mantissa, _, exponent = repr(number).partition("e")
        if not exponent:
            mantissa, _, exponent = f"{number:e}".partition("e")
        sign = exponent[0] if exponent[0] in "+-" else "+"
        return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').zfill(2)}"
    return float_text(number)


def _json_text(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def type_name(value: Any) -> str:
    """What Go calls the type of the value."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    for kind, called in ((int, "int"), (float, "float64"), (str, "string")):
        if isinstance(value, kind):
            return called
    return "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
