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
    with running(tmp_path, Options(speed=SPEED, pod_ready_delay=0)) as sandbox:
        argv = [sandbox.record.url, sandbox.record.token, "--speed", str(SPEED), *traces]
        done = subprocess.run(
            [sys.executable, str(SHARED / "replay.py"), *argv],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(traces)} of {len(traces)} traces agree" in done.stdout
