"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rolloutctl.sandbox.store import Record

from . import errors
from .resources import Resource

Matches = Callable[[Record], bool]

_TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
_Requirement = tuple[str, str, frozenset[str]]


def selection(resource: Resource, labels: str, fields: str) -> Matches | None:
    """What both selectors let through, None for everything. Raises Refused (400)."""
    wanted_labels = parse_labels(labels)
    wanted_fields = _parse_fields(resource, fields)
    if not wanted_labels and not wanted_fields:
        return None

    def matches(record: Record) -> bool:
        return match_labels(wanted_labels, record.labels) and _match_fields(wanted_fields, record)

    return matches


def match_labels(wanted: list[_Requirement], labels: Mapping[str, str]) -> bool:
    for key, operator, values in wanted:
        value = labels.get(key)
        if operator == "in":
            held = value is not None and value in values
        elif operator == "notin":
            held = value is None or value not in values
        elif operator == "exists":
            held = value is not None
        elif operator == "absent":
            held = value is None
        else:
            held = _compare(value, operator, values)
        if not held:
            return False
    return True


def _compare(value: str | None, operator: str, values: frozenset[str]) -> bool:
    try:
        left, right = int(value or ""), int(next(iter(values)))
    except ValueError:
        return False
    return left > right if operator == ">" else left < right


def parse_labels(text: str) -> list[_Requirement]:
    """[(key, operator, values)]. Raises Refused (400) in the words of a real server."""
    tokens = _TOKEN.findall(text)
    wanted: list[_Requirement] = []
    place = 0

    def take() -> str:
        nonlocal place
        found = tokens[place] if place < len(tokens) else ""
        place += 1
        return found

    while place < len(tokens):
        token = take()
        if token == "!":
            wanted.append((_key(take()), "absent", frozenset()))
        elif token in ("==", "!=", "=", ",", "(", ")", "<", ">"):
            raise errors.bad_request(
                f"found '{token}', expected: !, identifier, or 'end of string'"
            )
        else:
            wanted.append(_requirement(_key(token), take))
        if place < len(tokens) and tokens[place - 1] != ",":
            separator = take()
            if separator != ",":
                raise errors.bad_request(f"found '{separator}', expected: ',' or 'end of string'")
        if place == len(tokens) and tokens[-1] == ",":
            raise errors.bad_request("found '', expected: identifier after ','")
    return wanted


def _key(token: str) -> str:
    if not re.fullmatch(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", token):
        raise errors.bad_request(f"found '{token}', expected: identifier")
    return token


def _requirement(key: str, take: Callable[[], str]) -> _Requirement:
    operator = take()
    if operator in ("", ","):
        return key, "exists", frozenset()
    if operator in ("=", "==", "!="):
        value = take()
        if value == ",":
            value = ""
            return key, "notin" if operator == "!=" else "in", frozenset([value])
        return key, "notin" if operator == "!=" else "in", frozenset([value])
    if operator in ("<", ">"):
        return key, operator, frozenset([take()])
    if operator in ("in", "notin"):
        if (opened := take()) != "(":
            raise errors.bad_request(f"found '{opened}', expected: '('")
        values: set[str] = set()
        while (token := take()) != ")":
            if token == "":
                raise errors.bad_request("found '', expected: ',', or ')'")
            if token != ",":
                values.add(token)
        return key, operator, frozenset(values)
    expected = "in, notin, =, ==, !=, gt, lt"
    raise errors.bad_request(f"found '{operator}', expected: {expected}")


_Field = tuple[str, bool, str]


def _parse_fields(resource: Resource, text: str) -> list[_Field]:
    wanted: list[_Field] = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*([^=!]+?)\s*(==|!=|=)(.*)", term)
        if match is None:
            raise errors.bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        path, operator, value = match.groups()
        known = ("metadata.name", *(("metadata.namespace",) if resource.namespaced else ()))
        if path not in known and path not in resource.fields:
            raise errors.bad_request(f"field label not supported: {path}")
        wanted.append((path, operator != "!=", value.strip()))
    return wanted


def _match_fields(wanted: list[_Field], record: Record) -> bool:
    obj: dict[str, Any] | None = None
    for path, equal, value in wanted:
        if path == "metadata.name":
            found = record.key[1]
        elif path == "metadata.namespace":
            found = record.key[0]
        else:
            obj = obj if obj is not None else record.decode()
            found = _field(obj, path)
        if (found == value) is not equal:
            return False
    return True


def _field(obj: dict[str, Any], path: str) -> str:
    if path == "source":
        path = "source.component"
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
