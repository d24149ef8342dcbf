"""Documents on stdout: as JSON, JSON lines or YAML, whole or what a query picks out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from rolloutctl.cli.run import Run

Document = dict[str, Any]
T = TypeVar("T")
_BLOCK = 500
"""Lines written at once: a fleet's table must not cost a system call per row."""


def blocks(items: Iterable[T], size: int = _BLOCK) -> Iterator[list[T]]:
    """The items in lists of `size`, as they come."""
    source = iter(items)
    while block := list(islice(source, size)):
        yield block


def write(run: Run, documents: Iterable[Document], output: str | None, *, listed: str = "") -> None:
    """Writes documents in the format asked for: "json", "yaml" or "jsonl".

    With `listed`, the kind of the list ("RolloutList"), JSON is one list document with `items`,
    however many there are; without it, one document after the other. JSON lines and YAML are one
    document each in both cases. What comes is written as it comes. Raises ReaderGone.

    Of --query and --columns a command needs to know nothing: what they pick out of the documents
    is written in their stead, and UsageError raised where that does not fit.
    """
    if run.pick is not None:
        for picked in run.pick.of(documents, listed if output == "json" else ""):
            if isinstance(picked, str):
                run.out(picked)
            else:
                run.emit(picked)
        return
    from rolloutctl.render import serialize

    if output == "jsonl":
        for block in blocks(documents):
            run.out("".join(serialize.to_jsonl(item) for item in block))
    elif output == "yaml":
        for index, item in enumerate(documents):
            run.out(("---\n" if index else "") + serialize.to_yaml(item))
    elif not listed:
        for item in documents:
            run.out(serialize.to_json(item))
    else:
        _write_list(run, documents, listed)


def _write_list(run: Run, documents: Iterable[Document], kind: str) -> None:
    from rolloutctl.render import serialize

    parts = blocks(documents)
    # Nothing at all is better than half a document where not even the first can be read.
    first = next(parts, [])
    run.out(f'{{\n  "apiVersion": "rolloutctl/v1",\n  "kind": "{kind}",\n  "items": [')
    for index, block in enumerate(chain([first] if first else [], parts)):
        text = ",\n".join(
            "\n".join("    " + line for line in serialize.to_json(item).splitlines())
            for item in block
        )
        run.out(f"    ,{text[4:]}" if index else text)
    run.out("  ]\n}")
