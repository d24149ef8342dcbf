"""`list -w` of a fleet that changes all the time: CPU, memory, and whether anything is lost."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.processes import ROLLOUTCTL, do, resident, until, used
from benchmarks.table import Row, say

RATE = 200
"""Changes a second."""
_OBVIOUS = """
from kubernetes import client, config, watch
config.load_kube_config()
api = client.CustomObjectsApi()
where = ("argoproj.io", "v1alpha1", "rollouts")
version = api.list_cluster_custom_object(*where, limit=1)["metadata"]["resourceVersion"]
print("ready", flush=True)
list_ = api.list_cluster_custom_object
for event in watch.Watch().stream(list_, *where, resource_version=version):
    item = event["object"]
    metadata, status = item["metadata"], item.get("status", {})
    print(metadata["namespace"], metadata["name"], status.get("phase"), flush=True)
"""


def measure(env: Mapping[str, str], rollouts: int, seconds: int) -> Iterator[Row]:
    """CPU and memory under RATE changes a second; then a day's deployments at speed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        base = _under_churn(
            env, _piped([sys.executable, "-c", _OBVIOUS], env, out), 1, out, seconds
        )
        listing = [ROLLOUTCTL, "list", "-A", "-w"]
        piped = _under_churn(env, _piped(listing, env, out), rollouts, out, seconds)
        with _on_a_terminal(listing, env, out) as process:
            terminal = _under_churn(env, process, 1, out, seconds)
        yield from _rows("kubernetes package: watch loop", base, base)
        yield from _rows(f"rolloutctl list -A -w of {rollouts}, piped", piped, base, bars=True)
        yield from _rows(
            f"rolloutctl list -A -w of {rollouts}, terminal", terminal, base, bars=True
        )
        yield from _a_day(env, rollouts, out)


class _Load:
    """`cpu` in cores, memory in MB when everything had been read and at the end."""

    def __init__(self, cpu: float, before: float, after: float) -> None:
        self.cpu, self.before, self.after = cpu, before, after


def _rows(what: str, own: _Load, base: _Load, *, bars: bool = False) -> Iterator[Row]:
    package = "itself" if own is base else "kubernetes package: watch loop"
    yield Row(f"{what}, CPU at {RATE} changes/s", own.cpu, "cores", package, own.cpu / base.cpu)
    if bars:
        yield Row(f"{what}, CPU of one core", own.cpu, "cores", "one core", own.cpu, 0.5)
        grown = own.after / own.before
        yield Row(f"{what}, memory at the end", own.after, "MB", "at the beginning", grown, 1.1)


def _under_churn(
    env: Mapping[str, str], process: subprocess.Popen[bytes], lines: int, out: Path, seconds: int
) -> _Load:
    """What a running process takes while the fleet changes; it is ended."""
    try:
        until(lambda: _lines(out) >= lines, 120, "the list has been read")
        time.sleep(2)  # what was read is put away
        churn = subprocess.Popen(
            [ROLLOUTCTL, "sandbox", "load", f"churn:{RATE}:{seconds + 2}"],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(1)
        before, began, cpu = resident(process.pid), time.monotonic(), used(process.pid)
        time.sleep(seconds)
        cpu, took = used(process.pid) - cpu, time.monotonic() - began
        after = resident(process.pid)
        _check(churn.communicate()[1])
        return _Load(cpu / took, before, after)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _check(said: str) -> None:
    """Raises RuntimeError when the fleet did not change as fast as it should have."""
    told = re.search(r"([\d,]+) changes in ([\d.]+) s", said)
    if told is None:
        raise RuntimeError(f"the fleet did not change: {said}")
    rate = int(told[1].replace(",", "")) / float(told[2])
    if rate < 0.9 * RATE:
        raise RuntimeError(f"only {rate:.0f} changes a second instead of {RATE}")


def _piped(argv: list[str], env: Mapping[str, str], out: Path) -> subprocess.Popen[bytes]:
    with out.open("wb") as file:
        return subprocess.Popen(argv, env=env, stdout=file, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def _on_a_terminal(
    argv: list[str], env: Mapping[str, str], out: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process on a pseudo-terminal of 40 lines whose screen somebody reads."""
    out.write_bytes(b"")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        argv,
        env={**env, "COLUMNS": "160", "LINES": "40", "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)

    def drain() -> None:
        with contextlib.suppress(OSError), out.open("ab") as file:
            while data := os.read(ours, 65536):
                # The screen's first picture is all that anybody waits for.
                if file.tell() < 1_000_000:
                    file.write(data)
                    file.flush()

    threading.Thread(target=drain, daemon=True).start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _a_day(env: Mapping[str, str], rollouts: int, out: Path) -> Iterator[Row]:
    """4,000 deployments as fast as they come: flat memory, and nothing lost at the end."""
    deployments = min(4000, rollouts)
    say(f"{deployments} deployments under list -w")
    process = _piped([ROLLOUTCTL, "list", "-A", "-w", "-o", "jsonl"], env, out)
    try:
        until(lambda: _lines(out) >= rollouts, 120, "the list has been read")
        time.sleep(2)
        before, began, cpu = resident(process.pid), time.monotonic(), used(process.pid)
        do(env, "sandbox", "load", f"deployments:{deployments}")
        took = time.monotonic() - began
        after = resident(process.pid)
        wanted = _now(env)
        with contextlib.suppress(RuntimeError):
            until(lambda: _told(out) == wanted, 30, "every change has been told", every=2.0)
        told = _told(out)
        lost = sum(told.get(place) != row for place, row in wanted.items())
        lost += len(told.keys() - wanted.keys())
        cpu, all_in_all = used(process.pid) - cpu, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    what = f"{deployments} deployments in {took:.0f} s under list -w"
    yield Row(f"{what}, memory at the end", after, "MB", "at the beginning", after / before, 1.1)
    cores = cpu / all_in_all
    yield Row(f"{what}, CPU", cores, "cores", "one core", cores)
    yield Row(f"{what}: rows that differ from a fresh list", lost, "", "", float(lost), 0.0)


def _now(env: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    text = do(env, "list", "-A", "--fresh", "-o", "jsonl")
    rows = (json.loads(line) for line in text.splitlines())
    return {(row["namespace"], row["name"]): row["rollout"] for row in rows}


def _told(out: Path) -> dict[tuple[str, str], Any]:
    """What the last line about each rollout said."""
    found: dict[tuple[str, str], Any] = {}
    for line in out.read_text().splitlines():
        with contextlib.suppress(ValueError):  # the last one may not be whole yet
            change = json.loads(line)
            row = change["row"]
            found[row["namespace"], row["name"]] = row["rollout"]
    return found


def _lines(out: Path) -> int:
    return out.read_bytes().count(b"\n")
