"""The sandbox as a process a user starts and ends: `up`, `down`, `status`, `load`.

The child (`serve`) answers through a pipe when it is ready, or says why it will not be. Which
process is the sandbox is never guessed from a pid: it is the one that knows the token and the
instance of the record, or carries that instance on its command line.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rolloutctl import errors
from rolloutctl.errors import Failed, RolloutctlError, Unreachable, UsageError

from .log_files import tail
from .state import Options, Place, Record

START_SECONDS = 60.0
END_SECONDS = 10.0
ANSWER_SECONDS = 5.0
LARGEST_LOAD = 4_000_000
"""Bytes of one file; as JSON it may be twice as long, the server takes 8 MiB."""
_TAIL_LINES = 15

# Children of this very process: they must be waited for, or they stay as zombies.
_children: dict[int, subprocess.Popen[str]] = {}


@atexit.register
def _let_go() -> None:
    """They outlive us, and are meant to: without this Popen warns that nobody waited for them."""
    for child in _children.values():
        child.returncode = 0


@dataclass(frozen=True, slots=True)
class Up:
    """What `up` came to: a new process, or one that ran before with other options."""

    record: Record
    started: bool
    differing: tuple[str, ...] = ()
    """Fields of Options that were asked for, differ, and were not applied."""


@dataclass(frozen=True, slots=True)
class Down:
    """What `down` found: a process it ended (`killed`: it had to), stale files, or nothing."""

    pid: int | None
    killed: bool = False
    stale: bool = False


def up(place: Place, options: Options, wanted: Mapping[str, Any] | None = None) -> Up:
    """Start the sandbox of `place`, or find the one that runs.

    `wanted`: those fields of `options` a user asked for, to compare with a running one's. Raises
    UsageError for a plugin that does not load, Failed when the process dies or stays silent.
    """
    with place.locked():
        running = find(place)
        if running is not None:
            asked = asdict(options) if wanted is None else wanted
            differing = tuple(
                field.name
                for field in fields(Options)
                if field.name in asked and asked[field.name] != getattr(running.options, field.name)
            )
            return Up(running, started=False, differing=differing)
        clear_stale(place)
        return Up(_start(place, options), started=True)


def find(place: Place) -> Record | None:
    """The record of the sandbox that runs and answers, else None."""
    record = place.read()
    return record if record is not None and status(record) is not None else None


def clear_stale(place: Place) -> bool:
    """Remove what a dead sandbox left behind; whether there was anything.

    Raises Failed when its process lives on without answering.
    """
    record = place.read()
    if record is not None and _is_ours(record):
        raise Failed(
            f"a sandbox runs as process {record.pid} but does not answer",
            hint="rolloutctl sandbox down ends it",
        )
    found = place.record_file.exists() or place.kubeconfig.exists()
    place.clear()
    return found


def status(record: Record) -> dict[str, Any] | None:
    """What the process of `record` says of itself; None when nobody there knows it."""
    try:
        code, body = call(record, "GET", "/sandbox/status")
        found = json.loads(body) if code == 200 else None
    except (Unreachable, ValueError):
        return None
    if not isinstance(found, dict) or found.get("instance") != record.instance:
        return None
    return found


def down(place: Place, *, seconds: float = END_SECONDS) -> Down:
    """End the sandbox of `place` and remove its files: ask, wait `seconds`, then kill.

    Raises Failed when a process of that pid lives which cannot be told to be the sandbox.
    """
    with place.locked():
        record = place.read()
        if record is None:
            return Down(None, stale=clear_stale(place))
        if status(record) is None and not _is_ours(record):
            place.clear()
            return Down(None, stale=True)
        killed = _end(record, place, seconds)
        place.clear(record.instance)
        return Down(record.pid, killed=killed)


def switch_jenkins(record: Record, mode: str) -> None:
    """Turn the fake Jenkins' switch. Raises Unreachable, or Failed when it is refused."""
    code, body = call(record, "PUT", "/sandbox/jenkins", {"mode": mode})
    if code != 200:
        raise Failed(f"the sandbox answered {code}: {body.decode(errors='replace').strip()}")


def load(record: Record, wanted: Mapping[str, Any]) -> Generator[str, None, None]:
    """Have the sandbox load `wanted`; the lines of what it does, as it does them.

    `wanted` is `{"scenario": NAME}` or `{"text": YAML, "source": WHERE_FROM}`, either with a
    `namespace`. Raises what the sandbox raised, Unreachable when it goes away meanwhile.
    """
    if len(str(wanted.get("text", "")).encode()) > LARGEST_LOAD:
        # The server would only close the connection, for fear of reading it.
        raise UsageError("this is more than the sandbox takes at once", hint="split the file")
    with _connection(record, timeout=None) as connection:
        response = _send(connection, record, "POST", "/sandbox/load", wanted)
        if response.status != 200:
            raise Failed(f"the sandbox refused to load it ({response.status})")
        while True:
            try:
                line = response.readline()
                message = json.loads(line) if line.strip() else {}
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Unreachable("the sandbox ended while it loaded") from error
            if not line:
                raise Unreachable("the sandbox ended while it loaded")
            if "error" in message:
                raise revive(message["error"])
            if message.get("done"):
                return
            if "line" in message:
                yield str(message["line"])


def call(
    record: Record, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, bytes]:
    """One request to the sandbox's control address. Raises Unreachable."""
    with _connection(record, timeout=ANSWER_SECONDS) as connection:
        response = _send(connection, record, method, path, body)
        try:
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the sandbox does not answer: {error}") from error


def revive(raw: Any) -> RolloutctlError:
    """The error another process described with `side.describe`."""
    if not isinstance(raw, dict):
        return Failed(f"the sandbox said {raw!r}")
    kind = getattr(errors, str(raw.get("kind")), Failed)
    if not (isinstance(kind, type) and issubclass(kind, RolloutctlError)):
        kind = Failed
    message = str(raw.get("message", ""))
    return kind(message, subject=str(raw.get("subject", "")), hint=str(raw.get("hint", "")))


# --- starting and ending -----------------------------------------------------------------------


def _start(place: Place, options: Options) -> Record:
    instance = secrets.token_hex(8)
    request = {"name": place.name, "folder": str(place.folder), "options": asdict(options)}
    with place.crash_log.open("w") as crash:
        place.crash_log.chmod(0o600)
        # -P: a module of the user's directory must not stand in for one of ours.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "rolloutctl.sandbox.serve", instance],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=crash,
            text=True,
            start_new_session=True,
        )
    assert child.stdin is not None and child.stdout is not None
    late = threading.Timer(START_SECONDS, child.kill)
    late.start()
    try:
        with contextlib.suppress(BrokenPipeError), child.stdin:
            json.dump(request, child.stdin)
        with child.stdout:
            answer = child.stdout.readline()
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        late.cancel()
    try:
        message = json.loads(answer)
    except ValueError:
        child.kill()
        code = child.wait()
        lines = tail(place.log, _TAIL_LINES) + tail(place.crash_log, _TAIL_LINES)
        place.clear()
        raise Failed(
            f"the sandbox did not start, its process ended with {code}",
            hint=lines or f"its log {place.log} is empty",
        ) from None
    if "error" in message:
        child.wait()
        raise revive(message["error"])
    _children[child.pid] = child
    record = place.read()
    assert record is not None
    return record


def _end(record: Record, place: Place, seconds: float) -> bool:
    """Whether the process had to be killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    if _gone(record, place, seconds):
        return False
    # Between the two signals the pid may have been given away: look again.
    if record.pid in _children or _is_ours(record) or status(record) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        _gone(record, place, seconds)
    return True


def _gone(record: Record, place: Place, seconds: float) -> bool:
    """Wait until the process has ended, `seconds` at most; whether it has."""
    child = _children.get(record.pid)
    if child is not None:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        del _children[record.pid]
        return True
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(record.pid)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        else:
            try:
                return bool(select.select([descriptor], [], [], seconds)[0])
            finally:
                os.close(descriptor)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        present = place.read()
        # Its last act is to remove its record: that is all there is to see of a zombie.
        if present is None or present.instance != record.instance or not _lives(record.pid):
            return True
        time.sleep(0.05)
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_ours(record: Record) -> bool:
    """Whether the process of that pid carries the record's instance on its command line."""
    command = Path(f"/proc/{record.pid}/cmdline")
    try:
        if command.parent.parent.joinpath("self").exists():
            return record.instance.encode() in command.read_bytes().split(b"\0")
        found = subprocess.run(
            ["ps", "-o", "command=", "-p", str(record.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return record.instance in found.stdout.split()


# --- asking ------------------------------------------------------------------------------------


@contextlib.contextmanager
def _connection(record: Record, timeout: float | None) -> Iterator[http.client.HTTPConnection]:
    address = urlsplit(record.side_url)
    connection = http.client.HTTPConnection(
        address.hostname or "127.0.0.1", address.port, timeout=timeout
    )
    try:
        yield connection
    finally:
        connection.close()


def _send(
    connection: http.client.HTTPConnection,
    record: Record,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
) -> http.client.HTTPResponse:
    headers = {"Authorization": f"Bearer {record.token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(
            "the sandbox does not answer",
            subject=record.side_url,
            hint="rolloutctl sandbox up starts it",
        ) from error
