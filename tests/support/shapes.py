"""Documents held against their schemas, with every object closed: nothing more, nothing less."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator

from rolloutctl.render import schemas

Document = dict[str, Any]
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True  # that it is no text is for "type" to say
    return datetime.fromisoformat(value).utcoffset() == timedelta(0)


def parsed(text: str, output: str) -> list[Document]:
    """The documents that a command wrote with -o json, jsonl or yaml."""
    if output == "yaml":
        return list(yaml.safe_load_all(text))
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].strip()
    return found


def problems(document: Document, kind: str) -> list[str]:
    """What does not fit, with its place; a kind without a schema does not fit at all."""
    if kind not in schemas.kinds():
        return [f"there is no schema of {kind}"]
    return [
        f"{kind}.{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in _validator(kind).iter_errors(document)
    ]


@cache
def _validator(kind: str) -> Validator:
    return Draft202012Validator(closed(schemas.schema(kind)), format_checker=FORMATS)


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not know."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict):
        found["additionalProperties"] = False
    return found
