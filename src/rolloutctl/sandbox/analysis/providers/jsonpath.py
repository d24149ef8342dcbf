"""JSONPath in the form of Kubernetes: `{$.data.rate[0]}`, `{.items[?(@.name=="a")].value}`.

Of a template with several paths the first one that finds something counts.

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

    paths = [_standard(path) for path in _PATHS.findall(template)]
    if not paths or len(template) > LONGEST:
        raise MeasurementError(f"the sandbox cannot read the JSONPath {template[:LONGEST]}")
    environment = JSONPathEnvironment()
    # Kubernetes knows neither functions nor regular expressions in a filter.
    environment.function_extensions.clear()
    try:
        queries = [environment.compile(path) for path in paths]
    except JSONPathError as error:
        raise MeasurementError(f"unrecognized JSONPath {template}: {error.args[0]}") from error

    def find(document: Any) -> Any:
        for path, query in zip(paths, queries, strict=True):
            try:
                match = query.match(document)
            except JSONPathError as error:
                raise MeasurementError(
                    f"Could not find JSONPath in body: {error.args[0]}"
                ) from error
            if match is None:
                raise MeasurementError(f"Could not find JSONPath in body: {path[2:]} is not found")
            return match.obj
        raise MeasurementError("result of web metric produced no value")

    return find


def _standard(path: str) -> str:
    path = path.strip()
    if "=~" in path or path.startswith(("range ", "end")):
        raise MeasurementError(f"the sandbox cannot read the JSONPath {{{path}}}")
    if path in ("", "$", "@", "."):
        return "$"
    path = path.removeprefix("@")
    if path.startswith(("[", ".")):
        return f"${path}"
    return path if path.startswith("$") else f"$.{path}"
