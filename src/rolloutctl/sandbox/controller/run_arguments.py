"""Values for the arguments a rollout gives to its analyses.

Source: argo-rollouts, utils/analysis/factory.go (BuildArgumentsForRolloutAnalysisRun).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .objects import Obj, dig, mapping, text

_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")


def values(arguments: Sequence[Any], rollout: Obj, *, latest: str, stable: str) -> list[Obj]:
    """The arguments with a `value` each, except where a value cannot be found.

    `latest` and `stable`: the pod template hashes of the two versions.
    """
    found: list[Obj] = []
    for each in arguments:
        value = _value(each, rollout, {"Latest": latest, "Stable": stable})
        argument: Obj = {"name": text(each, "name")}
        if value is not None:
            argument["value"] = value
        found.append(argument)
    return found


def _value(argument: Any, rollout: Obj, hashes: dict[str, str]) -> str | None:
    source = mapping(argument, "valueFrom")
    if source.get("podTemplateHashValue") is not None:
        return hashes.get(text(source, "podTemplateHashValue"))
    if source.get("fieldRef") is not None:
        return at_path(rollout, text(source, "fieldRef", "fieldPath"))
    value = dig(argument, "value")
    return value if isinstance(value, str) else None


def at_path(rollout: Obj, path: str) -> str | None:
    """The text at a field path: as the downward API knows them, or any that ends in a primitive.

    A label or an annotation that is not there is an empty text; None is for what has no value.
    """
    keyed = _KEYED.fullmatch(path)
    if keyed is not None:
        return text(rollout, "metadata", keyed[1], keyed[2])
    if path in ("metadata.labels", "metadata.annotations"):
        found = mapping(rollout, *path.split("."))
        return "\n".join(f"{key}={json.dumps(found[key])}" for key in sorted(found))
    value: Any = rollout
    at = 0
    while at < len(path):
        part = _PART.match(path, at)
        if part is None:
            return None
        at = part.end()
        value = _inside(value, part)
    return _primitive(value)


def _inside(value: Any, part: re.Match[str]) -> Any:
    if part[2] is not None:
        index = int(part[2])
        return value[index] if isinstance(value, list) and index < len(value) else None
    return dig(value, part[1] if part[1] is not None else part[3])


def _primitive(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, str | int) else None
