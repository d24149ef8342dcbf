"""What `rolloutctl config` shows and changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rolloutctl.cli.config_file import edited, key_of, parse, write
from rolloutctl.cli.run import Run
from rolloutctl.cli.settings import SETTINGS, Found, config_path
from rolloutctl.domain.freeze import WeekTime, Window
from rolloutctl.errors import UsageError
from rolloutctl.render.text import Line, Span, line, pad, safe

_WIDTH = 16


def path(run: Run) -> Path:
    """The configuration file, whether or not it is there. Raises UsageError without one."""
    found = config_path(run.environment.env)
    if found is None:
        raise UsageError(
            "there is no configuration file: no home directory is known",
            hint="ROLLOUTCTL_CONFIG names one",
        )
    return found


def edit(run: Run, key: str, value: str | None) -> str:
    """Sets or removes a key of the file; what was done, in words. Raises UsageError."""
    target, parts = path(run), key_of(key)
    try:
        before = target.read_text("utf-8")
    except FileNotFoundError:
        before = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{target} cannot be read: {error}") from error
    after = edited(before, parts, value)
    parse(after, str(target))
    if after == before:
        return f"{key} is so already" if value is not None else f"{key} is not set"
    write(target, after)
    return f"{target}: {key} {'set' if value is not None else 'taken out'}"


def document(run: Run) -> dict[str, Any]:
    """Everything that is set, as data."""
    settings = run.settings
    return {
        "apiVersion": "rolloutctl/v1",
        "kind": "Configuration",
        "path": str(settings.path) if settings.path is not None else None,
        "exists": settings.path is not None and settings.path.exists(),
        "settings": [
            {"name": name, "value": _value(found), "source": found.source if found else None}
            for name, found in _effective(run)
        ],
        "contexts": [
            {
                "name": context,
                "settings": [
                    {"name": name, "value": found.value, "source": found.source}
                    for name, found in values.items()
                ],
            }
            for context, values in settings.contexts.items()
        ],
        "aliases": [{"name": name, "command": text} for name, text in settings.aliases.items()],
        "freezes": [_freeze(run, window) for window in settings.windows],
    }


def lines(run: Run) -> Iterator[Line]:
    """The same for people."""
    settings = run.settings
    where = str(settings.path) if settings.path is not None else "no file: no home directory"
    there = "" if settings.path is None or settings.path.exists() else "  (not there)"
    yield line(Span(safe(where), "strong"), there)
    for name, found in _effective(run):
        if found is None:
            yield line(f"  {pad(name, _WIDTH)} ", Span("not set", "dim"))
        else:
            yield _setting(name, found)
    for context, values in settings.contexts.items():
        yield line(Span(f"context {safe(context)}", "strong"))
        for name, found in values.items():
            yield _setting(name, found)
    if settings.aliases:
        yield line(Span("aliases", "strong"))
        for name, text in settings.aliases.items():
            yield line(f"  {pad(safe(name), _WIDTH)} {safe(text, 400)}")
    if settings.windows:
        yield line(Span("freezes", "strong"))
        for window in settings.windows:
            until = window.until(run.environment.now())
            holds = Span("  holds now", "warn") if until is not None else Span("")
            yield line(f"  {pad(safe(window.name), _WIDTH)} {_span(window)}", holds)


def _effective(run: Run) -> Iterator[tuple[str, Found | None]]:
    for name in SETTINGS:
        yield name, run.settings.found(name)


def _setting(name: str, found: Found) -> Line:
    text = str(found.value).lower() if isinstance(found.value, bool) else str(_value(found))
    source = found.source if found.source.startswith("$") else ""
    return line(f"  {pad(name, _WIDTH)} {safe(text, 200)}", Span(f"  {source}".rstrip(), "dim"))


def _value(found: Found | None) -> Any:
    if found is None:
        return None
    return f"{found.value:g}s" if isinstance(found.value, float) else found.value


def _freeze(run: Run, window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "from": _moment(window.begins),
        "until": _moment(window.ends),
        "timezone": str(window.zone),
        "contexts": list(window.contexts),
        "namespaces": list(window.namespaces),
        "holdsUntil": window.until(run.environment.now()),
    }


def _span(window: Window) -> str:
    where = [
        f"{what} {', '.join(map(safe, names))}"
        for what, names in (("contexts", window.contexts), ("namespaces", window.namespaces))
        if names
    ]
    text = f"{_moment(window.begins)} to {_moment(window.ends)} {window.zone}"
    return "  ".join([text, *where])


def _moment(found: Any) -> str:
    if isinstance(found, WeekTime):
        return f"{found.day.name.capitalize()} {found.time:%H:%M}"
    return str(found.isoformat())
