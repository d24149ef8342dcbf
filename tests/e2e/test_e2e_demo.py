"""The demo, as CI and as a person see it."""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.shell import ROLLOUTCTL

pytestmark = pytest.mark.e2e


def its_own(folder: Path) -> dict[str, str]:
    """Variables that keep what a demo writes in folders below this one."""
    for name in ("tmp", "home", "here"):
        (folder / name).mkdir(parents=True)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Those of a test that watches one demo."""
    return its_own(tmp_path)


def start(env: dict[str, str], here: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ROLLOUTCTL, "demo", *options],
        env=env,
        cwd=here,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def nothing_is_left(tmp_path: Path) -> bool:
    """No file anywhere, and so no sandbox either: it keeps its record until it ends."""
    return not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_story_is_told_as_plain_text_and_leaves_nothing_behind(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    # The rests are longer than the last pause of the rollout, which must not end during one.
    with start(surroundings, tmp_path / "here", "--speed", "12", "--pace", "900ms") as demo:
        out, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, out
    told = [
        "Jenkins is down",
        "$ rolloutctl promote checkout -n shop\n",
        "checkout: step 4/7 (pause) → 5/7 (plugin demo/jenkins-gate)",
        "Jenkins answered 503",
        "$ rolloutctl plugins disable demo/jenkins-gate --reason INC-4711 --restart --yes",
        "1 rollout unblocked",
        "$ rolloutctl watch checkout -n shop --until healthy",
        "--full --yes --wait",
        "terminated step 2 plugin demo/jenkins-gate: Successful",
        "$ rolloutctl abort checkout -n shop --wait",
        "1. aborted step 5",
        "2. aborted step 2",
        "$ rolloutctl sandbox down",
    ]
    where = [out.find(line) for line in told]
    assert -1 not in where, told[where.index(-1)]
    assert where == sorted(where), "told in another order"
    assert "\x1b" not in out
    assert nothing_is_left(tmp_path)


INTERRUPTED = (
    (signal.SIGINT, "sandbox up"),
    (signal.SIGINT, "watch checkout"),
    (signal.SIGINT, "job smoke"),
    (signal.SIGTERM, "sandbox up"),
    (signal.SIGTERM, "job smoke"),
    (signal.SIGHUP, "watch checkout"),
)


def test_an_interrupted_story_leaves_nothing_behind(tmp_path: Path) -> None:
    """All at once: most of a story is waiting."""

    def play(number: signal.Signals, at: str) -> None:
        folder = tmp_path / f"{number.name} {at}"
        # At this speed the gate of the first canary goes on for a while.
        with start(its_own(folder), folder / "here", "--speed", "3") as demo:
            assert demo.stdout is not None
            while at not in (line := demo.stdout.readline()):
                assert line, "it ended too early"
            demo.send_signal(number)
            out, _ = demo.communicate(timeout=60)
        assert demo.returncode == 130, out
        assert "$ rolloutctl sandbox down" in out
        assert nothing_is_left(folder), [*folder.rglob("*")]

    with ThreadPoolExecutor(len(INTERRUPTED)) as people:
        playing = {case: people.submit(play, *case) for case in INTERRUPTED}
    wrong = {case: story.exception() for case, story in playing.items()}
    assert not any(wrong.values()), "\n".join(f"{k}: {v}" for k, v in wrong.items() if v)


def test_it_cleans_up_when_nobody_reads_any_more(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    with start(surroundings, tmp_path / "here", "--speed", "100") as demo:
        assert demo.stdout is not None
        while "sandbox load" not in demo.stdout.readline():
            pass
        demo.stdout.close()
        demo.wait(timeout=100)
    assert nothing_is_left(tmp_path)
