"""What `sandbox load` and `sandbox up --load` have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.run import Run
from rolloutctl.errors import RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.sandbox.state import Record


def load(run: Run, record: Record, wanted: list[Mapping[str, Any]]) -> None:
    """Have the sandbox load each of `wanted`, saying on stderr what is done."""
    from rolloutctl.render.text import Span, line, safe
    from rolloutctl.sandbox import process

    for request in wanted:
        with contextlib.closing(process.load(record, request)) as lines:
            for text in lines:
                run.note([line(Span("► ", "accent"), safe(text))])


def load_aside(run: Run, record: Record, wanted: list[Mapping[str, Any]]) -> None:
    """Load in a thread: the main one waits for Ctrl-C. What goes wrong is said, and no more."""
    import threading

    from rolloutctl.render.text import Span, line, safe

    def work() -> None:
        try:
            load(run, record, wanted)
        except RolloutctlError as error:
            run.note([line(Span("✗ ", "bad"), f"not loaded: {safe(error.message)}")])

    threading.Thread(target=work, name="load", daemon=True).start()


def requests(run: Run, what: list[str] | tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """What to ask the sandbox for. Raises UsageError for a file that cannot be read."""
    from rolloutctl.sandbox.scenarios import catalogue, generated

    common = {"namespace": run.common.namespace}
    for item in what:
        path = Path(item)
        if item == "-":
            yield {**common, "text": run.environment.stdin.read(), "source": "stdin"}
        elif path.suffix in (".yaml", ".yml", ".json") or path.is_file():
            try:
                text = path.read_text(encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{item} cannot be read: {error.strerror}") from error
            except UnicodeDecodeError as error:
                raise UsageError(f"{item} is no text in UTF-8") from error
            yield {**common, "text": text, "source": item}
        else:
            if generated.read(item) is None:
                catalogue.read(item)
            yield {**common, "scenario": item}
