"""YAML that is read, changed and written again, with its comments, order and quotes."""

from __future__ import annotations

import io
import re
from typing import Any

from rolloutctl.errors import UsageError

_ITEM = re.compile(r"^( *)- ")
_KEY = re.compile(r"^( *)[^\s#-][^#]*:\s*(#.*)?$")


def load(text: str, source: str) -> list[Any]:
    """The documents of a text, as mappings that carry their comments. Raises UsageError."""
    from ruamel.yaml.error import YAMLError

    try:
        return [found for found in _yaml("").load_all(text) if found is not None]
    except (YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        at = f"line {mark.line + 1}: " if mark is not None else ""
        raise UsageError(f"{source} is no YAML: {at}{problem}", subject=source) from error


def dump(documents: list[Any], like: str) -> str:
    """The documents as YAML, lists indented as in the text `like`."""
    stream = io.StringIO()
    _yaml(like).dump_all(documents, stream)
    return stream.getvalue()


def _yaml(like: str) -> Any:
    from ruamel.yaml import YAML

    found = YAML(typ="rt")
    found.preserve_quotes = True
    found.width = 1_000_000
    found.brace_single_entry_mapping_in_flow_sequence = True
    offset = _offset(like)
    found.indent(mapping=2, sequence=offset + 2, offset=offset)
    return found


def _offset(text: str) -> int:
    """How much deeper than its key a list stands, judged by the first one there is."""
    key: int | None = None
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item = _ITEM.match(line)
        if item is not None and key is not None:
            return max(0, len(item[1]) - key)
        found = _KEY.match(line)
        key = len(found[1]) if found is not None else None
    return 0
