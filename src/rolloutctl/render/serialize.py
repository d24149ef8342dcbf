"""Data for programs: JSON, JSON lines, YAML. What a cluster sent stays whole, but harmless.

Characters a terminal might obey (C1 controls, DEL, bidi overrides) are written as escapes, so that
`-o json` on a screen misleads nobody; a parser reads back exactly what the cluster had.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

FORMATS = ("json", "yaml", "jsonl", "name", "wide")

# Only strings can hold these in JSON, so an escape is right wherever one of them stands.
_MISLEADING = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def _escaped(text: str) -> str:
    return _MISLEADING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(data: Any) -> Any:
    return msgspec.to_builtins(data, str_keys=True)


def to_json(data: Any, *, indent: int = 2, ascii: bool = False) -> str:
    """`data` (builtins, structs, datetimes) as indented JSON with a newline at its end."""
    if ascii:
        return json.dumps(_plain(data), indent=indent) + "\n"
    return _encode(data, indent) + "\n"


def to_jsonl(data: Any, *, ascii: bool = False) -> str:
    """`data` as JSON on one line, with a newline at its end."""
    if ascii:
        return json.dumps(_plain(data), separators=(",", ":")) + "\n"
    return _encode(data, 0) + "\n"


def _encode(data: Any, indent: int) -> str:
    try:
        encoded = msgspec.json.encode(data)
        if indent:
            encoded = msgspec.json.format(encoded, indent=indent)
        return _escaped(encoded.decode())
    except UnicodeEncodeError:  # a lone surrogate: only an escape can say it
        return json.dumps(_plain(data), indent=indent or None)


def to_yaml(data: Any) -> str:
    """`data` as YAML in block style, keys in their order."""
    import yaml

    plain = _plain(data)
    try:
        text = _dump(plain, getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True)
    except UnicodeEncodeError:  # a lone surrogate: only an escape can say it
        return _dump(plain, yaml.SafeDumper, allow_unicode=False)
    return _dump(plain, yaml.SafeDumper, allow_unicode=False) if _MISLEADING.search(text) else text


def _dump(data: Any, dumper: type[Any], *, allow_unicode: bool) -> str:
    import yaml

    text: str = yaml.dump(
        data, Dumper=dumper, sort_keys=False, allow_unicode=allow_unicode, width=1_000_000
    )
    return text
