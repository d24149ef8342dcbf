"""JMESPath expressions, and the JSONPath of kubectl: understood before a cluster is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from rolloutctl.errors import UsageError

Query = Callable[[Any], Any]
"""Finds something in a document of builtins; None where there is nothing. Raises UsageError."""

_SHOWN = 60
"""Characters of a long expression that are shown on each side of a mistake."""


def jmespath_query(text: str, option: str) -> Query:
    """The query that `text` is; `option` is what it was given by, as "--query".

    Raises UsageError, which shows where the mistake is; functions are checked as well.
    """
    import warnings

    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        with warnings.catch_warnings():
            # `text` instead of 'text' is of an older JMESPath, and everybody writes it.
            warnings.simplefilter("ignore")
            compiled = jmespath.compile(text)
        _check_functions(compiled.parsed, text, option)
    except JMESPathError as error:
        raise _misspelt(error, text, option) from None
    except RecursionError:
        raise UsageError(f"{option}: the expression is nested too deeply") from None

    def search(document: Any) -> Any:
        try:
            return compiled.search(document)
        except (JMESPathError, RecursionError) as error:
            what = str(error).splitlines()[0]
            raise UsageError(f"{option} {text} does not fit what there is: {what}") from None

    return search


def _misspelt(error: Any, text: str, option: str) -> UsageError:
    place = getattr(error, "lex_position", None)
    if not text.strip() or place is None:
        return UsageError(f"{option} is no expression: there is nothing in it")
    said = getattr(error, "message", "")
    if type(error).__name__ == "IncompleteExpressionError" or place >= len(text):
        what = "it ends too early"
    elif said:
        what = said[:1].lower() + said[1:]
    else:
        what = f'"{error.token_value}" is not expected there'
    hint = pointed(text, place)
    if text[place : place + 1] in ("=", "-"):
        hint += (
            "\nwrite a comparison as phase == 'Degraded', and a name with signs in it as \"a-b\""
        )
    return UsageError(f"{option} cannot be read at character {place + 1}: {what}", hint=hint)


def pointed(text: str, place: int) -> str:
    """The expression, and a mark below the character at `place`."""
    begin = max(0, place - _SHOWN)
    shown = re.sub(r"\s", " ", text[begin : place + _SHOWN])
    cut = len(shown) - len(shown.lstrip())
    return f"{shown.strip()}\n{' ' * (place - begin - cut)}^"


def _check_functions(node: Any, text: str, option: str) -> None:
    """Functions are looked up by the library only when they are called, which may be never."""
    from jmespath.functions import Functions

    known: dict[str, Any] = Functions.FUNCTION_TABLE
    for name, given in _calls(node):
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            place = text.find(name)
            raise UsageError(
                f"{option}: there is no function {name}", hint=f"{pointed(text, place)}\n{hint}"
            )
        takes = known[name]["signature"]
        most = None if takes and takes[-1].get("variadic") else len(takes)
        if given < len(takes) or (most is not None and given > most):
            least = "at least " * (most is None)
            words = "argument" if len(takes) == 1 else "arguments"
            raise UsageError(
                f"{option}: {name} takes {least}{len(takes)} {words}, not {given}",
                hint=pointed(text, text.find(name)),
            )


def _calls(node: Any) -> Iterator[tuple[str, int]]:
    """The functions called in a parsed expression, each with the number of its arguments."""
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _calls(child)


# --- as kubectl writes it -----------------------------------------------------------------------

_INSTEAD = "--query 'items[].name' and --columns name,phase say the same; see docs/output.md"
_PIECES = re.compile(r"\{((?:[^{}\"']|\"[^\"]*\"|'[^']*')*)\}|([^{}]+)")
_SEGMENT = re.compile(r"(\[(?:[^\[\]\"']|\"[^\"]*\"|'[^']*')*\])|(\.\.?)((?:\\.|[^.\[\]*\\])+)")


def path_query(path: str, option: str) -> Callable[[Any], list[Any]]:
    """All that a path of kubectl's finds: `.metadata.name`, `{.spec.steps[*]}`, `a\\.b` for a dot.

    Raises UsageError. Source: kubernetes, client-go/util/jsonpath.
    """
    from jsonpath import JSONPathEnvironment
    from jsonpath.exceptions import JSONPathError

    inner = path.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    if re.match(r"(range\b|end$)", inner):
        raise UsageError(f"{option}: {{{inner}}} is not understood here", hint=_INSTEAD)
    inner = inner.removeprefix("$").removeprefix("@")
    if inner and not inner.startswith((".", "[")):
        inner = f".{inner}"
    try:
        found = JSONPathEnvironment().compile("$" + _SEGMENT.sub(_quoted, inner.rstrip(".")))
    except (JSONPathError, RecursionError) as error:
        said = str(error.args[0]) if error.args else type(error).__name__
        raise UsageError(f"{option}: {path} is no JSONPath: {said}", hint=_INSTEAD) from None

    def find(document: Any) -> list[Any]:
        try:
            return list(found.findall(document))
        except (JSONPathError, RecursionError) as error:
            raise UsageError(f"{option}: {path} does not fit what there is: {error}") from None

    return find


def _quoted(found: re.Match[str]) -> str:
    """A field goes without quotes there, whatever it is called."""
    if found[1]:
        return found[1]
    name = re.sub(r"\\(.)", r"\1", found[3]).replace("\\", "\\\\").replace("'", "\\'")
    return f"['{name}']" if found[2] == "." else f"..['{name}']"


def path_template(text: str, option: str) -> Callable[[Any], list[str | list[Any]]]:
    """The pieces of `-o jsonpath=TEXT`: text as it stands, and what each path finds.

    Raises UsageError for what only a template language can say (range, if).
    """
    if "{" not in text and "}" not in text:
        text = f"{{{text}}}"
    pieces: list[str | Callable[[Any], list[Any]]] = []
    end = 0
    for found in _PIECES.finditer(text):
        if found.start() != end:
            break
        end = found.end()
        path = (found[1] or "").strip()
        if found[2]:
            pieces.append(found[2])
        elif path[:1] in ("'", '"'):
            pieces.append(path[1:-1].replace("\\n", "\n").replace("\\t", "\t"))
        else:
            pieces.append(path_query(path, option))
    if end != len(text):
        raise UsageError(
            f"{option}: the braces do not match at character {end + 1}", hint=pointed(text, end)
        )

    def find(document: Any) -> list[str | list[Any]]:
        return [piece if isinstance(piece, str) else piece(document) for piece in pieces]

    return find
