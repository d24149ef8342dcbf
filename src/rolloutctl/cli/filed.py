"""What `-f` reads: the rollouts of a list, of a report of ours, of manifests, or of plain lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rolloutctl.domain.refs import Ref, parse_rollout
from rolloutctl.errors import UsageError

_KINDS = ("rollout.argoproj.io/", "rollouts.argoproj.io/")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_YAML = re.compile(r"---|%YAML|- |[A-Za-z\"'][^\s:]*:(\s|$)")
_DONE = frozenset({"changed", "nothing"})
_RESULTS = _DONE | {"tried", "declined", "failed", "unknown", "not-done"}
_HINT = "known: lists and reports of rolloutctl (JSON, YAML), Rollouts, lines of [NAMESPACE/]NAME"


class Named(NamedTuple):
    """A rollout and where it stands in the file. `tests`: what held before a change was sent whose
    answer was lost; it is to be sent again only while that still holds."""

    ref: Ref
    where: str
    tests: tuple[dict[str, Any], ...] = ()


class Scope(NamedTuple):
    """What the command line says about where: `action` that runs, the namespace of plain names
    (asked for only when one comes), the only one allowed, and the cluster's name."""

    action: str
    namespace: Callable[[], str]
    only: str | None
    all_namespaces: bool
    cluster: Callable[[], str]


class Filed(NamedTuple):
    """The rollouts in a file, each once; `done`: how many were left out as done already."""

    found: list[Named]
    done: int


def read(text: str, scope: Scope) -> Filed:
    """The rollouts that `text` names. Raises UsageError that says in which line it went wrong.

    Of a report of the same action what was done already is left out.
    """
    found: dict[Ref, Named] = {}
    done: set[Ref] = set()
    for where, item, action in _items(text):
        try:
            named, over = _named(item, where, action, scope)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", hint=error.hint or _HINT) from error
        if over:
            done.add(named.ref)
        else:
            found.setdefault(named.ref, named)
    for ref in done:
        found.pop(ref, None)
    return Filed(list(found.values()), len(done))


# --- where an entry is --------------------------------------------------------------------------


def _items(text: str) -> Iterator[tuple[str, Any, str]]:
    """Each entry: where it stands, a document or a line, and the action of its report."""
    text = text.removeprefix("\ufeff")
    first = next((each for each in text.splitlines() if not _blank(each)), "")
    documents = _from_yaml(text) if _YAML.match(first) else _from_lines(text)
    for where, document in documents:
        yield from _entries(where, document, "")


def _entries(where: str, document: Any, action: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(document, list):
        for number, item in enumerate(document, 1):
            yield from _entries(f"{where}, entry {number}", item, action)
        return
    if isinstance(document, dict):
        for key in ("results", "items"):
            if isinstance(document.get(key), list):
                named = document.get("action")
                known = named if isinstance(named, str) else action
                yield from _entries(where, document[key], known)
                return
    yield where, document, action


def _blank(text: str) -> bool:
    stripped = text.strip()
    return not stripped or stripped.startswith("#")


def _from_lines(text: str) -> Iterator[tuple[str, Any]]:
    """Names and JSON documents, one after the other; a document may go over many lines."""
    decoder = json.JSONDecoder()
    at, line = 0, 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        row = text[at:end]
        if _blank(row):
            at, line = end + 1, line + 1
            continue
        where = f"line {line}"
        if row.lstrip()[0] not in "{[":
            yield where, row.strip()
            at, line = end + 1, line + 1
            continue
        start = at + len(row) - len(row.lstrip())
        try:
            document, after = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            wrong = line + text.count("\n", at, error.pos)
            raise UsageError(f"line {wrong}: no JSON: {error.msg}", hint=_HINT) from error
        except RecursionError as error:
            raise UsageError(f"{where}: nested too deeply", hint=_HINT) from error
        yield where, document
        line += text.count("\n", at, after)
        at = after
        while at < len(text) and text[at] in " \t\r":
            at += 1
        if text[at : at + 1] == "\n":
            at, line = at + 1, line + 1


def _from_yaml(text: str) -> Iterator[tuple[str, Any]]:
    import yaml

    try:
        loaded = list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise UsageError(f"{place}no YAML: {problem}", hint=_HINT) from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"no YAML: {error}", hint=_HINT) from error
    for number, document in enumerate(loaded, 1):
        if document is not None:
            yield f"document {number}", document


# --- what an entry says -------------------------------------------------------------------------


def _named(item: Any, where: str, action: str, scope: Scope) -> tuple[Named, bool]:
    """The rollout an entry names, and whether it is done already. Raises UsageError."""
    if isinstance(item, str):
        return Named(_from_line(item, scope), where), False
    if not isinstance(item, dict):
        raise UsageError("this names no rollout")
    kind, version = item.get("kind"), str(item.get("apiVersion") or "")
    theirs = isinstance(kind, str) and not version.startswith("rolloutctl/")
    if theirs and (kind != "Rollout" or not version.startswith("argoproj.io/")):
        raise UsageError(f"a {kind} is no rollout")
    metadata = item.get("metadata")
    source = item if "name" in item or not isinstance(metadata, dict) else metadata
    name, namespace = source.get("name"), source.get("namespace")
    if not isinstance(name, str) or not isinstance(namespace, str | None):
        raise UsageError("this names no rollout")
    _same_cluster(item, scope)
    named = Named(_ref(namespace or None, name, scope), where)
    result = item.get("result")
    was = item.get("action") or action or scope.action
    if result is None or _family(was) != _family(scope.action):
        return named, False
    if result not in _RESULTS:
        raise UsageError(f'"{result}" is no result of a report')
    if result == "unknown":
        return named._replace(tests=_tests(item)), False
    return named, result in _DONE


def _family(action: Any) -> str:
    """Promoting one step or in full moves the same update."""
    return str(action).removesuffix("-full")


def _from_line(text: str, scope: Scope) -> Ref:
    lowered = text.lower()
    if lowered.startswith(_KINDS):
        return _ref(None, text.partition("/")[2], scope)
    namespace, slash, name = text.rpartition("/")
    return _ref(namespace if slash else None, name, scope)


def _ref(namespace: str | None, name: str, scope: Scope) -> Ref:
    if namespace is None:
        if scope.all_namespaces:
            raise UsageError(
                f'"{name}" is in no namespace, and -A stands for all',
                hint="write NAMESPACE/NAME, or name the namespace with -n",
            )
        namespace = scope.namespace()
    elif not _NAMESPACE.fullmatch(namespace):
        raise UsageError(f'"{namespace}" cannot be the name of a namespace')
    elif scope.only is not None and namespace != scope.only:
        raise UsageError(
            f"{namespace}/{name} is not in namespace {scope.only}", hint="leave out -n, or fit it"
        )
    if "/" in name:
        raise UsageError(f'"{name}" cannot be the name of a rollout')
    return parse_rollout(name, namespace)


def _same_cluster(item: dict[str, Any], scope: Scope) -> None:
    """A list of several clusters says of each rollout where it is."""
    for key in ("cluster", "context"):
        label = item.get(key)
        if isinstance(label, str) and label and label != scope.cluster():
            raise UsageError(
                f"this rollout is of {label}, and the command acts on {scope.cluster()}",
                hint=f"--context {label} acts there",
            )


def _tests(item: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """What held when the change was sent whose answer was lost."""
    patches = item.get("patches")
    first = patches[0] if isinstance(patches, list) and patches else None
    operations = first.get("operations") if isinstance(first, dict) else None
    found = tuple(
        operation
        for operation in (operations if isinstance(operations, list) else ())
        if isinstance(operation, dict)
        and operation.get("op") == "test"
        and isinstance(operation.get("path"), str)
    )
    if not found:
        raise UsageError(
            "whether this was done is not known, and nothing here tells how to find out",
            hint="look at the rollout, then name it in a line of its own",
        )
    return found
