"""`--columns`: what each column shows of a document, and what stands above it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from rolloutctl.cli.queries import Query, jmespath_query, path_query
from rolloutctl.errors import UsageError

_RATIO = "{0}.{1} && join('/', [to_string({0}.{1}), to_string({0}.{2})])"

SHORT = {
    "name": "name",
    "namespace": "namespace",
    "cluster": "cluster",
    "phase": "not_null(rollout.phase, phase)",
    "message": "not_null(rollout.message, message)",
    "since": "not_null(rollout.since, since)",
    "awaiting": "not_null(rollout.awaiting, awaiting)",
    "aborted": "rollout.aborted",
    "strategy": "not_null(rollout.strategy, strategy)",
    "revision": "not_null(rollout.revision, revision)",
    "step": _RATIO.format("rollout.step", "number", "count"),
    "weight": "not_null(rollout.weight, rollout.weights.set, rollout.weights.desired, weight)",
    "ready": "rollout.replicas && join('/', [to_string(rollout.replicas.ready),"
    " to_string(rollout.replicas.desired)])",
    "image": "not_null(rollout.images.to, images)",
    "plugin": "not_null(plugins[?phase == 'Running'].name | [0], plugin)",
}
"""Columns by a short name, as the tables for people call them: JMESPath for each."""

_OF_OBJECTS = frozenset({"apiVersion", "kind", "metadata", "spec", "status", "data"})
"""Fields of Kubernetes' own objects, which a few commands print."""
_PATH = re.compile(r"([A-Za-z_]\w*)\s*(?:$|[.\[])")
_NAMED = re.compile(r"\s*([^\[\]{}()\"'`:,@&|!<>=]+):(.*)", re.S)
_OPEN = {"[": "]", "{": "}", "(": ")"}


_OF_A_CHANGE = {"RolloutRowChange": "row", "RolloutChange": "now"}
"""Documents that say what became of another one, and the field that has it."""


class Column(NamedTuple):
    """What stands above a column, and what it shows of a document of builtins."""

    header: str
    read: Callable[[Any], Any]
    field: str = ""
    """The field of a document its path begins with; "" where it is a short name, or no path."""


def columns(text: str) -> tuple[Column, ...]:
    """The columns of `--columns a,b,HEADER:EXPR`. Raises UsageError."""
    return tuple(_column(part) for part in _parts(text))


def _column(part: str) -> Column:
    named = _NAMED.fullmatch(part)
    header, expression = (named[1].strip(), named[2].strip()) if named else ("", part.strip())
    known = SHORT.get(expression)
    option = f"--columns {expression}" if expression else "--columns"
    read = jmespath_query(known or expression, option)
    field = _PATH.match(expression)
    return Column(
        header or _header(expression),
        _of_its_subject(read) if known else read,
        "" if known or field is None else field[1],
    )


def check_fields(found: Iterable[Column]) -> None:
    """Raises UsageError for a column that no document of any command has."""
    fields = {column.field for column in found if column.field}
    if not fields:
        return
    from rolloutctl.render import schemas

    shapes = schemas.shapes()
    known = {name for kind in schemas.kinds() for name in shapes[kind].get("properties", ())}
    for field in sorted(fields - known - _OF_OBJECTS):
        raise UsageError(
            f"--columns {field}: there is no column {field}", hint=_near(field, [*SHORT, *known])
        )


def check_row(found: Iterable[Column], row: Any) -> None:
    """Raises UsageError for a column that this document, one of ours, has no field for."""
    if not isinstance(row, dict) or row.get("apiVersion") != "rolloutctl/v1":
        return
    for column in found:
        if column.field and column.field not in row:
            kind = row.get("kind", "document")
            raise UsageError(
                f"--columns {column.field}: a {kind} has no {column.field}",
                hint=_near(column.field, [*SHORT, *row]),
            )


def _near(field: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(field, list(known), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(SHORT)}; all fields of the JSON are, see docs/output.md"


def _of_its_subject(read: Query) -> Query:
    def found(document: Any) -> Any:
        kind = document.get("kind") if isinstance(document, dict) else None
        return read(document[_OF_A_CHANGE[kind]] if kind in _OF_A_CHANGE else document)

    return found


def _header(expression: str) -> str:
    """The last name in an expression, in upper case."""
    words = re.findall(r"[A-Za-z_][\w-]*", expression)
    return words[-1].upper() if words else expression


def _parts(text: str) -> Iterator[str]:
    """The text between commas that are not within brackets or quotes."""
    part, closing, quote = "", "", ""
    for char in text:
        if quote:
            quote = "" if char == quote and not part.endswith("\\") else quote
        elif char in "\"'`":
            quote = char
        elif char in _OPEN:
            closing += _OPEN[char]
        elif closing.endswith(char):
            closing = closing[:-1]
        elif char == "," and not closing:
            yield part
            part = ""
            continue
        part += char
    yield part


def custom_columns(text: str) -> tuple[Column, ...]:
    """The columns of kubectl's `-o custom-columns=HEADER:.path,...`. Raises UsageError."""
    found = []
    for part in _parts(text):
        header, colon, path = part.partition(":")
        if not colon or not header.strip() or not path.strip():
            raise UsageError(
                f"-o custom-columns: {part or 'nothing'} is no column",
                hint="write NAME:.metadata.name,PHASE:.status.phase; or --columns name,phase",
            )
        found.append(Column(header.strip(), _path(path)))
    return tuple(found)


def _path(path: str) -> Callable[[Any], Any]:
    find = path_query(path, "-o custom-columns")

    def read(document: Any) -> Any:
        values = find(document)
        return values[0] if len(values) == 1 else values or None

    return read
