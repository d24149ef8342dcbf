"""Decoders are safe to ask for from many threads at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import rolloutctl

AT_ONCE = """
import sys, threading
from rolloutctl.domain import wire
from rolloutctl.domain.decoders import converted, decoder

sys.setswitchinterval(1e-6)
types = (wire.Rollout, wire.ReplicaSet, wire.Pod, wire.AnalysisRun, wire.Experiment)
together = threading.Barrier(12)

def decode(of_type):
    together.wait()
    decoder(of_type).decode(b'{"metadata": {"name": "web"}}')
    converted({"metadata": {"name": "web"}}, of_type)

threads = [threading.Thread(target=decode, args=(types[i % 5],)) for i in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_type_used_by_many_threads_for_the_first_time() -> None:
    """Without the lock, the interpreter of nearly every such process ends in a crash."""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_nobody_makes_a_typed_decoder_of_its_own() -> None:
    source = Path(rolloutctl.__file__).parent
    by_itself = re.compile(r"msgspec\.(convert\(|json\.decode\([^\n]*type=|json\.Decoder\([^)\n])")
    found = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if by_itself.search(path.read_text("utf-8"))
    ]
    assert found == ["domain/decoders.py"]
