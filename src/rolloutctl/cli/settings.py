"""What a user has set once: the configuration file, the environment, and which of them wins.

    option on the command line > ROLLOUTCTL_* variable > [contexts.NAME] of the file > the file

Reading costs nothing where there is no file. A setting that is not known, or not of its kind, is an
error: a misspelt `read-only` must not be the reason for an outage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutctl.errors import UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.freeze import Window

VARIABLE = "ROLLOUTCTL_CONFIG"
_TRUE = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Setting(NamedTuple):
    """One setting: how its value is read (raises ValueError), and what it is for."""

    read: Callable[[Any], Any]
    help: str


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _TRUE.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError("true or false")
    return known


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value.strip()


def _format(value: Any) -> str:
    return _one_of(value, ("json", "yaml", "jsonl", "name", "wide"))


def _confirmation(value: Any) -> str:
    return _one_of(value, ("normal", "always", "risky"))


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"one of {', '.join(known)}")
    return str(value)


def _seconds(value: Any) -> float:
    from rolloutctl.cli.options import duration

    try:
        return duration(_text(value))
    except Exception as error:
        raise ValueError('a duration, as "30s", "5m" or "1h30m"') from error


def _columns(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return _text(value)


SETTINGS: dict[str, Setting] = {
    "output": Setting(_format, "-o of what shows things: json, yaml, jsonl, name or wide"),
    "columns": Setting(_columns, "--columns of list, and of get without a name"),
    "timeout": Setting(_seconds, "--timeout of what waits"),
    "request-timeout": Setting(_seconds, "limit of one request"),
    "confirm": Setting(
        _confirmation,
        "when a terminal is asked: normal; always, before every change; risky, not before a"
        " promotion by one step that skips nothing",
    ),
    "read-only": Setting(_flag, "nothing can be changed"),
    "record": Setting(_flag, "leave an Event on what is changed"),
    "no-color": Setting(_flag, "plain text"),
}


class Found(NamedTuple):
    """A value and where it comes from: a variable's name, or a key of the file."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """What holds for one context. `path` is the file that was looked for."""

    path: Path | None = None
    values: Mapping[str, Found] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    contexts: Mapping[str, Mapping[str, Found]] = field(default_factory=dict)
    variables: Mapping[str, Found] = field(default_factory=dict)

    def of(self, name: str, context: str = "") -> Any:
        """The value of a setting, None where nobody set it."""
        found = self.found(name, context)
        return None if found is None else found.value

    def found(self, name: str, context: str = "") -> Found | None:
        """The value of a setting for a context ("": for any) and where it comes from."""
        for place in (self.variables, self.contexts.get(context, {}), self.values):
            if name in place:
                return place[name]
        return None


def config_path(env: Mapping[str, str]) -> Path | None:
    """The configuration file, whether or not it is there; None without a home directory.

    `ROLLOUTCTL_CONFIG` names another one; set but empty: none at all.
    """
    if VARIABLE in env:
        return Path(env[VARIABLE]).expanduser() if env[VARIABLE] else None
    base, home = env.get("XDG_CONFIG_HOME", ""), env.get("HOME", "")
    if not Path(base).is_absolute():
        if not Path(home).is_absolute():
            return None
        base = str(Path(home) / ".config")
    return Path(base) / "rolloutctl" / "config.toml"


def load(env: Mapping[str, str]) -> Settings:
    """What is set. Raises UsageError for a file or a variable that cannot be understood."""
    path = config_path(env)
    variables = _variables(env)
    text = _read(path, named=VARIABLE in env)
    if path is None or text is None:
        return Settings(path, variables=variables)
    from rolloutctl.cli.config_file import parse

    values, aliases, windows, contexts = parse(text, str(path))
    return Settings(path, values, aliases, windows, contexts, variables)


def _read(path: Path | None, *, named: bool) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        if named:
            raise UsageError(
                f"there is no configuration file {path}", hint=f"{VARIABLE} names it"
            ) from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"the configuration file {path} cannot be read: {why}") from error


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "ROLLOUTCTL_" + name.upper().replace("-", "_")


def _variables(env: Mapping[str, str]) -> dict[str, Found]:
    found = {}
    for name, setting in SETTINGS.items():
        text = env.get(variable(name), "")
        if not text:
            continue
        try:
            found[name] = Found(setting.read(text), f"${variable(name)}")
        except ValueError as error:
            raise UsageError(f'{variable(name)}="{text}" is not {error}') from error
    return found
