"""How the InvalidSpec condition words a fault: path, kind, value and what is wrong.

Source: apimachinery, util/validation/field (Error.ErrorBody).
"""

from __future__ import annotations

import json
from typing import Any


def invalid(path: str, value: Any, detail: str) -> str:
    return f"{path}: Invalid value: {json.dumps(value, separators=(',', ':'))}: {detail}"


def required(path: str, detail: str = "") -> str:
    return f"{path}: Required value" + (f": {detail}" if detail else "")


def internal(path: str, detail: str) -> str:
    return f"{path}: Internal error: {detail}"
