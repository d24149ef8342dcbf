"""--query, --columns and kubectl's -o jsonpath=: what is picked out of the documents of a command.

A command knows nothing of them: it is run as with -o json (or -o jsonl), and `output.write` gives
what it writes to the `Pick` of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rolloutctl.errors import UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.columns import Column
    from rolloutctl.cli.queries import Query
    from rolloutctl.cli.run import Common, Run
    from rolloutctl.render.text import Line

Show = Callable[[list[Any]], "str | list[Line]"]
DATA = ("json", "yaml", "jsonl")
KUBECTL = ("jsonpath", "jsonpath-as-json", "custom-columns")
"""Formats of kubectl that are understood: each followed by "=" and an expression."""
_OF_OBJECTS = frozenset(
    f"rolloutctl {name}"
    for name in ("list", "get", "analysis list", "experiment list", "experiment get")
)
"""Commands on which kubectl's formats pick from the objects themselves."""
_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile", "jsonpath-file")


class Pick:
    """What is wanted of each document, and how it looks.

    `show` gets what the query found in a few documents, or the documents themselves, as builtins.
    """

    def __init__(self, show: Show, query: Query | None = None) -> None:
        self._show = show
        self._query = query

    def of(self, documents: Iterable[Any], listed: str = "") -> Iterator[str | list[Line]]:
        """What is shown of the documents, or with `listed` of the one list that they make.

        A list is held as a whole: the query may ask for any of it. Raises UsageError for a query
        that does not fit.
        """
        import msgspec

        from rolloutctl.cli.output import blocks

        plain = (msgspec.to_builtins(document, str_keys=True) for document in documents)
        if listed:
            whole = {"apiVersion": "rolloutctl/v1", "kind": listed, "items": list(plain)}
            plain = (document for document in [whole])
        query = self._query
        for block in blocks(plain):
            yield self._show(block if query is None else [query(document) for document in block])


def kubectl_format(text: str) -> str | None:
    """`text` when it is a format of kubectl's that is understood, None when it is none of its.

    Raises UsageError for its templates, saying what to use instead.
    """
    name, _, expression = text.strip().partition("=")
    name = name.lower()
    if name in _TEMPLATES or (name in KUBECTL and not expression):
        without = "has no expression" if name in KUBECTL else "is not understood here"
        raise UsageError(
            f"-o {name} {without}",
            hint="use --query 'rollout.phase' (JMESPath) or --columns name,phase;"
            " -o jsonpath='{.status.phase}' and -o custom-columns=NAME:.metadata.name work too",
        )
    return f"{name}={expression}" if name in KUBECTL else None


def settle(run: Run, values: dict[str, Any], given: str | None) -> None:
    """Keeps what is to be picked in the run, and makes a command work in the format that needs.

    `values` are the options of the command by name, `given` is what its -o had on the command
    line. Raises UsageError for expressions that cannot be understood and for what does not go
    together.
    """
    common = run.common
    asked = _asked(common)
    if given and "=" in given:
        if asked not in ("", "--no-headers"):
            raise UsageError(f"{asked} does not go with -o {given.partition('=')[0]}")
        if values.get("watch") and run.command in _OF_OBJECTS:
            name = given.partition("=")[0]
            raise UsageError(
                f"-o {name} does not go with --watch",
                hint="what is followed has documents of its own: -o jsonl,"
                " or --columns NAME:row.name,PHASE:row.rollout.phase",
            )
        run.pick, values["output"] = _kubectl(given, headless=common.no_headers)
        run.picks_objects = True
        if "raw" in values:
            # Its paths are those of the object, as kubectl prints it.
            values["raw"] = True
    elif asked == "--no-headers":
        raise UsageError("--no-headers goes with --columns")
    elif not asked and not given:
        usual = _usual(run, values)
        if usual is not None:
            common.columns = usual
            run.pick, values["output"] = _picked(common, None)
    elif asked:
        if given and given not in (DATA if not common.columns else ()):
            raise UsageError(
                f"{asked} does not go with -o {given}",
                hint="a table has no other format"
                if common.columns
                else f"known: {', '.join(DATA)}; without -o strings come without quotes",
            )
        run.pick, values["output"] = _picked(common, given)


def _usual(run: Run, values: dict[str, Any]) -> str | None:
    """The columns that the settings have for a list, None where another form is wanted."""
    listing = run.command in ("rolloutctl list", "rolloutctl get") and not values.get("names")
    # Labels are columns of the table there is without the setting.
    listing = listing and not (values.get("label") or values.get("show_labels"))
    if not listing or values.get("watch") or values.get("output") not in (None, "wide"):
        return None
    found = run.settings.of("columns", run.context_name() if run.settings.contexts else "")
    return None if found is None else str(found)


def _asked(common: Common) -> str:
    if common.query is not None:
        return "--query"
    if common.columns is not None:
        return "--columns"
    return "--no-headers" if common.no_headers else ""


def _picked(common: Common, given: str | None) -> tuple[Pick, str]:
    from rolloutctl.cli.columns import check_fields, columns
    from rolloutctl.cli.queries import jmespath_query
    from rolloutctl.render import serialize
    from rolloutctl.render.views.picked import bare

    query = None if common.query is None else jmespath_query(common.query, "--query")
    if common.columns is not None:
        found = columns(common.columns)
        if query is None:
            check_fields(found)
        # Without a query each document is a row as soon as it is there.
        return Pick(
            _table(found, common.no_headers, check=query is None), query
        ), "json" if query else "jsonl"
    if given == "yaml":
        return Pick(_yaml(), query), given
    forms = {"json": serialize.to_json, "jsonl": serialize.to_jsonl}
    return Pick(_each(forms.get(given or "", bare)), query), given or "json"


def _each(form: Callable[[Any], str]) -> Show:
    return lambda values: "".join(map(form, values))


def _yaml() -> Show:
    from rolloutctl.render.serialize import to_yaml

    between = ""

    def form(value: Any) -> str:
        nonlocal between
        text = between + to_yaml(value)
        between = "---\n"
        return text

    return _each(form)


def _table(found: tuple[Column, ...], headless: bool, *, check: bool = False) -> Show:
    from rolloutctl.cli.columns import check_row
    from rolloutctl.render.views.picked import Grid

    grid = Grid([column.header for column in found], headless=headless)

    def show(values: list[Any]) -> list[Line]:
        nonlocal check
        rows = [row for value in values for row in _rows(value)]
        if check and rows:
            check = False
            check_row(found, rows[0])
        return grid.lines([column.read(row) for column in found] for row in rows)

    return show


def _rows(value: Any) -> list[Any]:
    """The items of a list, else the one thing there is; nothing of nothing."""
    if isinstance(value, dict) and isinstance(value.get("items"), list) and "kind" in value:
        return list(value["items"])
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _kubectl(given: str, *, headless: bool) -> tuple[Pick, str]:
    from rolloutctl.cli.columns import custom_columns
    from rolloutctl.cli.queries import path_query, path_template
    from rolloutctl.render import serialize
    from rolloutctl.render.views.picked import word

    name, _, expression = given.partition("=")
    if name == "custom-columns":
        return Pick(_table(custom_columns(expression), headless)), "jsonl"
    if headless:
        raise UsageError("--no-headers goes with --columns and -o custom-columns")
    if name == "jsonpath-as-json":
        return Pick(_each(serialize.to_json), path_query(expression, f"-o {name}")), "json"
    pieces = path_template(expression, f"-o {name}")

    def form(found: Any) -> str:
        text = "".join(
            piece if isinstance(piece, str) else " ".join(map(word, piece)) for piece in found
        )
        return text if text.endswith("\n") else f"{text}\n"

    return Pick(_each(form), pieces), "json"
