"""Where a sandbox keeps its files, and what one process tells the next about itself.

Everything lies in `$XDG_STATE_HOME/rolloutctl/sandbox/<name>` (`~/.local/state` when unset), a
directory only its owner can enter: the record of the running process (`state.json`, it holds
the token), the kubeconfig, and the logs. Nothing outside of it is ever written.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rolloutctl.errors import Failed, UsageError

DEFAULT_NAME = "default"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Options:
    """What a sandbox was started with; what a second `up` compares with its own.

    `port` 0 is any free port, `pod_ready_delay` is in seconds of the sandbox's clock, `plugins`
    are `[NAME=]PATH:CLASS` with absolute paths, `max_requests_per_second` 0 is no limit.
    """

    port: int = 0
    speed: float = 1.0
    plugins: tuple[str, ...] = ()
    pod_ready_delay: float = 1.0
    max_requests_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """A running sandbox, as it wrote itself down.

    `instance` is random and new with each start: a process is the one of this record only when
    it can name it, whatever its pid. `url` is the API server, `side_url` the server beside it
    (plugin downloads, Jenkins, control). `started` is RFC 3339, UTC.
    """

    name: str
    instance: str
    pid: int
    url: str
    side_url: str
    token: str
    started: str
    options: Options

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Record:
        """Raises ValueError when `text` is not a record (cut off, or of another version)."""
        raw = json.loads(text)
        if not isinstance(raw, dict) or not isinstance(raw.get("options"), dict):
            raise ValueError("not a record of a sandbox")
        options = raw.pop("options")
        _check(raw, Record, skip="options")
        _check(options, Options)
        plugins = tuple(str(item) for item in options.pop("plugins"))
        return Record(**raw, options=Options(**options, plugins=plugins))


_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "tuple[str, ...]": list,
}


def _check(raw: Mapping[str, Any], shape: type, skip: str = "") -> None:
    expected = {field.name for field in fields(shape)} - {skip}
    if set(raw) != expected:
        raise ValueError(f"fields {sorted(set(raw) ^ expected)} do not fit")
    for field in fields(shape):
        kind = _JSON_TYPES.get(str(field.type))
        if kind is not None and not isinstance(raw[field.name], kind):
            raise ValueError(f"{field.name} is no {field.type}")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one sandbox."""

    name: str
    folder: Path

    @property
    def record_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.folder / "sandbox.log"

    @property
    def controller_log(self) -> Path:
        return self.folder / "controller.log"

    @property
    def crash_log(self) -> Path:
        """What the interpreter itself wrote to stderr; new with each start."""
        return self.folder / "crash.log"

    def make(self) -> None:
        """Create the folder, for its owner alone. Raises Failed when that is not possible."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder.parent, self.folder):
                folder.chmod(0o700)
        except OSError as error:
            raise Failed(
                f"the sandbox's state directory cannot be made: {error.strerror}",
                subject=str(self.folder),
                hint="set XDG_STATE_HOME to a directory you may write to",
            ) from error

    def read(self) -> Record | None:
        """The record, or None when there is none, or none that can be used."""
        try:
            return Record.from_json(self.record_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, record: Record, kubeconfig: str) -> None:
        write_private(self.kubeconfig, kubeconfig)
        write_private(self.record_file, record.to_json())

    def clear(self, instance: str | None = None) -> None:
        """Remove record and kubeconfig; with `instance`, only if they are of that process."""
        if instance is not None:
            record = self.read()
            if record is not None and record.instance != instance:
                return
        for path in (self.record_file, self.kubeconfig):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the place while a process is started or ended, so that two `up` take turns."""
        self.make()
        with (self.folder / "lock").open("a") as file:
            try:
                import fcntl
            except ImportError:  # no such lock on this system: two simultaneous starts may race
                yield
                return
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def place(env: Mapping[str, str], name: str = DEFAULT_NAME) -> Place:
    """The files of sandbox `name` for the user whose environment is `env`.

    Raises UsageError when `name` cannot name one, Failed when there is no home to keep it in.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a sandbox",
            hint="use lower case letters, digits and dashes, at most 32 of them",
        )
    base = env.get("XDG_STATE_HOME", "")
    # The base directory rules of XDG: a relative path is to be ignored.
    if not base or not Path(base).is_absolute():
        home = env.get("HOME") or env.get("USERPROFILE")
        if not home:
            raise Failed(
                "there is no place to keep the sandbox's state",
                hint="set HOME or XDG_STATE_HOME",
            )
        base = str(Path(home) / ".local" / "state")
    return Place(name, Path(base) / "rolloutctl" / "sandbox" / name)


def write_private(path: Path, text: str) -> None:
    """Replace the file at once (no reader sees a part of it), readable by its owner alone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
