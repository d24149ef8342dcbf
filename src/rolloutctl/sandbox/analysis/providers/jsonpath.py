"""JSONPath in the form of Kubernetes: `{$.data.rate[0]}`, `{.items[?(@.name=="a")].value}`.

Of a template with several paths the first one counts.

Source: client-go, util/jsonpath, and argo-rollouts, metricproviders/webmetric.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .base import MeasurementError

_PATHS = re.compile(r"\{((?:[^{}\"']|\"[^\"]*\"|'[^']*')*)\}")
LONGEST = 1000


def compiled(template: str) -> Callable[[Any], Any]:
    """What finds the first value in a document. Both raise MeasurementError."""
    from jsonpath import JSONPathEnvironment
    from jsonpath.exceptions import JSONPathError

    paths = _PATHS.findall(template)
    if not paths or len(template) > LONGEST:
        raise MeasurementError(f"the sandbox cannot read the JSONPath {template[:LONGEST]}")
    environment = JSONPathEnvironment()
    # Kubernetes knows neither functions nor regular expressions in a filter.
    environment.function_extensions.clear()
    try:
        query, *_ = [environment.compile(_standard(path)) for path in paths]
    except (JSONPathError, RecursionError) as error:
        raise MeasurementError(f"unrecognized JSONPath {template}: {_said(error)}") from error

    def find(document: Any) -> Any:
        try:
            match = query.match(document)
        except (JSONPathError, RecursionError) as error:
            raise MeasurementError(f"Could not find JSONPath in body: {_said(error)}") from error
        if match is None:
            raise MeasurementError(f"Could not find JSONPath in body: {paths[0]} is not found")
        return match.obj

    return find


def _said(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _standard(path: str) -> str:
    path = path.strip()
    if "=~" in path or path.startswith(("range ", "end")):
        raise MeasurementError(f"the sandbox cannot read the JSONPath {{{path}}}")
    if path in ("", "$", "@", "."):
        return "$"
    path = path.removeprefix("@").removeprefix("$")
    return "$" + _SEGMENT.sub(_quoted, path if path.startswith(("[", ".")) else f".{path}")


_SEGMENT = re.compile(r"(\[(?:[^\[\]\"']|\"[^\"]*\"|'[^']*')*\])|(\.\.?)((?:\\.|[^.\[\]*])+)")


def _quoted(found: re.Match[str]) -> str:
    """A field may be called `500` or `a-b` there without quotes, or `a\\.b`."""
    if found[1]:
        return found[1]
    name = re.sub(r"\\(.)", r"\1", found[3]).replace("\\", "\\\\").replace("'", "\\'")
    return f"['{name}']" if found[2] == "." else f"..['{name}']"
