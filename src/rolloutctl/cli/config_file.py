"""The configuration file: what may stand in it, and edits that keep the rest as it is.

output = "wide"

[contexts.prod]
read-only = true

[aliases]
ship = "promote --wait --timeout 10m"

[[freeze]]
name = "weekend"
from = "Fri 16:00"
until = "Mon 08:00"
timezone = "Europe/Berlin"
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tempfile
import tomllib
import zoneinfo
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any

from rolloutctl.cli.settings import SETTINGS, Found
from rolloutctl.domain.freeze import Weekday, WeekTime, Window
from rolloutctl.errors import UsageError

_TABLES = ("contexts", "aliases", "freeze")
_OF_A_FREEZE = ("name", "from", "until", "timezone", "contexts", "namespaces")
_WEEK_TIME = re.compile(r"([A-Za-z]{3,9})\s+(\d{1,2}):(\d{2})")

Parsed = tuple[dict[str, Found], dict[str, str], tuple[Window, ...], dict[str, dict[str, Found]]]


def parse(text: str, file: str) -> Parsed:
    """Settings, aliases, freezes and the settings of each context.

    Raises UsageError, naming the key, for what cannot be understood.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no TOML: {error}") from error
    values = {}
    for name, value in data.items():
        if name not in _TABLES:
            values[name] = _value(file, "", name, value, (*SETTINGS, *_TABLES))
    contexts = {
        context: {
            name: _value(file, f"contexts.{_quoted(context)}.", name, value, SETTINGS)
            for name, value in _table(file, f"contexts.{_quoted(context)}", found).items()
        }
        for context, found in _table(file, "contexts", data.get("contexts", {})).items()
    }
    aliases = {
        name: _alias(file, name, value)
        for name, value in _table(file, "aliases", data.get("aliases", {})).items()
    }
    freezes = data.get("freeze", [])
    if not isinstance(freezes, list):
        raise _wrong(file, "freeze", "a list: write [[freeze]]")
    windows = tuple(_window(file, number, entry) for number, entry in enumerate(freezes, 1))
    return values, aliases, windows, contexts


def _value(file: str, place: str, name: str, value: Any, known: Iterable[str]) -> Found:
    setting = SETTINGS.get(name)
    if setting is None:
        raise _unknown(file, place + name, name, known)
    try:
        return Found(setting.read(value), place + name)
    except ValueError as error:
        raise _wrong(file, place + name, str(error)) from error


def _unknown(file: str, key: str, name: str, known: Iterable[str]) -> UsageError:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
    return UsageError(f"{file}: there is no setting {key}", hint=meant)


def _wrong(file: str, key: str, wanted: str) -> UsageError:
    return UsageError(f"{file}: {key} is not {wanted}")


def _table(file: str, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(file, key, f"a table: write [{key}]")
    return value


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _alias(file: str, name: str, value: Any) -> str:
    from rolloutctl.cli.app import COMMANDS

    key = f"aliases.{_quoted(name)}"
    if name in COMMANDS:
        raise UsageError(f"{file}: {key} has the name of a command, which would never be reached")
    if not name or name.startswith("-"):
        raise UsageError(f"{file}: {key} is no word, which would never be reached")
    if not isinstance(value, str):
        raise _wrong(file, key, 'a command line, as "promote --wait"')
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise UsageError(f"{file}: {key} cannot be read: {error}") from error
    words = words[1:] if words[:1] == ["rolloutctl"] else words
    if not words or words[0] not in COMMANDS:
        raise UsageError(
            f"{file}: {key} does not begin with a command", hint="rolloutctl --help lists them"
        )
    return shlex.join(words)


# --- freezes ------------------------------------------------------------------------------------


def _window(file: str, number: int, entry: Any) -> Window:
    key = f"freeze[{number}]"
    if not isinstance(entry, dict):
        raise _wrong(file, key, "a table: write [[freeze]]")
    for name in entry:
        if name not in _OF_A_FREEZE:
            raise _unknown(file, f"{key}.{name}", name, _OF_A_FREEZE)
    zone = _zone(file, key, entry.get("timezone", "UTC"))
    begins = _moment(file, f"{key}.from", entry.get("from"), zone)
    ends = _moment(file, f"{key}.until", entry.get("until"), zone)
    if isinstance(begins, datetime) is not isinstance(ends, datetime):
        raise UsageError(f"{file}: {key}: from and until are both a date, or both of every week")
    if isinstance(begins, datetime) and isinstance(ends, datetime) and ends <= begins:
        raise UsageError(f"{file}: {key} ends before it begins")
    if begins == ends:
        raise UsageError(f"{file}: {key} begins and ends at the same time")
    name = entry.get("name", f"freeze {number}")
    if not isinstance(name, str):
        raise _wrong(file, f"{key}.name", "a text")
    contexts = _patterns(file, f"{key}.contexts", entry.get("contexts", []))
    namespaces = _patterns(file, f"{key}.namespaces", entry.get("namespaces", []))
    return Window(name, begins, ends, zone, contexts, namespaces)


def _zone(file: str, key: str, value: Any) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        wanted = 'a time zone of this machine, as "Europe/Berlin"'
        raise _wrong(file, f"{key}.timezone", wanted) from error


def _moment(file: str, key: str, value: Any, zone: zoneinfo.ZoneInfo) -> datetime | WeekTime:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=zone)
    found = _WEEK_TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        day = found[1][:3].upper()
        names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        hours, minutes = int(found[2]), int(found[3])
        full = any(name.startswith(found[1].lower()) for name in names)
        if full and hours < 24 and minutes < 60:
            return WeekTime(Weekday[day], time(hours, minutes))
    raise _wrong(file, key, 'a time, as 2026-12-24T18:00:00Z or "Fri 16:00"')


def _patterns(file: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(file, key, 'a list of names or patterns, as ["prod-*"]')
    return tuple(value)


# --- edits --------------------------------------------------------------------------------------


def key_of(text: str) -> list[str]:
    """The parts of a dotted key: output, contexts.prod.read-only, aliases.ship.

    A context's name may have dots. Raises UsageError for what cannot be set this way.
    """
    first, _, rest = text.partition(".")
    if first == "contexts":
        context, _, name = rest.rpartition(".")
        if context and name in SETTINGS:
            return ["contexts", context.strip('"'), name]
        known = ", ".join(SETTINGS)
        raise UsageError(f"{text} is no setting of a context", hint=f"contexts.NAME.KEY: {known}")
    if first == "aliases" and rest:
        return ["aliases", rest.strip('"')]
    if first == "freeze":
        raise UsageError(
            "freezes are written in the file", hint="rolloutctl config path says where"
        )
    if text not in SETTINGS:
        raise _unknown("the configuration", text, text, (*SETTINGS, "contexts.NAME.KEY", "aliases"))
    return [text]


def edited(text: str, key: list[str], value: str | None) -> str:
    """The file's text with one key set, or taken out (None); all else stays, comments too."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"the configuration file is no TOML: {error}") from error
    table: Any = document
    for part in key[:-1]:
        if part not in table:
            if value is None:
                return text
            table[part] = tomlkit.table(is_super_table=part == "contexts")
        table = table[part]
    if value is None:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = _plain(key, value)
    return tomlkit.dumps(document)


def _plain(key: list[str], value: str) -> Any:
    """A flag as a flag, all else as the text it was given as."""
    if key[0] == "aliases":
        return value
    setting = SETTINGS[key[-1]]
    try:
        read = setting.read(value)
    except ValueError as error:
        raise UsageError(f'"{value}" is not {error}') from error
    return read if isinstance(read, bool) else value


def write(path: Path, text: str) -> None:
    """Puts `text` in place of the file in one step. Raises UsageError."""
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".config-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if target.exists():
            Path(name).chmod(target.stat().st_mode & 0o777)
        Path(name).replace(target)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
