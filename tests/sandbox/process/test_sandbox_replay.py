"""The reference's own comparison of recordings of a real controller, on a sandbox process.

It runs one story after the other, so only every fourth; `tests/traces` runs all of them over HTTP.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rolloutctl.sandbox.state import Options
from support.sandboxes import running

SHARED = Path(__file__).parents[4] / "shared"
SPEED = 10


def replayed(folder: Path, speed: float, traces: list[str]) -> subprocess.CompletedProcess[str]:
    """What the script says of these recordings, on a sandbox of its own."""
    folder.mkdir()
    with running(folder, Options(speed=speed, pod_ready_delay=0)) as sandbox:
        argv = [sandbox.record.url, sandbox.record.token, "--speed", str(speed), *traces]
        return subprocess.run(
            [sys.executable, str(SHARED / "replay.py"), *argv],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.mark.e2e
@pytest.mark.skipif(
    not (SHARED / "replay.py").is_file(), reason="the reference recordings are not beside the repo"
)
def test_canary_and_plugin_stories_agree_over_http(tmp_path: Path) -> None:
    pytest.importorskip("requests", reason="the replay script asks with requests")
    traces = [
        str(path)
        for pattern in ("canary-*.json", "plugin-*.json", "invalid-spec.json")
        for path in sorted((SHARED / "traces").glob(pattern))
    ]
    assert len(traces) >= 27
    traces = traces[::4]
    done = replayed(tmp_path / "fast", SPEED, traces)
    agree = {line.removeprefix("same ") for line in done.stdout.splitlines() if "same" in line}
    # On a busy machine the script may look too late; at a leisurely speed it may not.
    late = [path for path in traces if Path(path).stem not in agree]
    if late:
        assert len(agree) + len(late) == len(traces), done.stdout + done.stderr
        done = replayed(tmp_path / "slow", SPEED / 5, late)
    assert done.returncode == 0, done.stdout + done.stderr
    many = len(late or traces)
    assert f"{many} of {many} traces agree" in done.stdout
