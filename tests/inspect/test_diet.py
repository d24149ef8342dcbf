"""Looking at one rollout must start quickly: what it may not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from support.screens import program, screen
found = screen("healthy")
run = program(found)
for name in [name for name in sys.modules if name.partition(".")[0] in {heavy!r}]:
    del sys.modules[name]
result = run(*{argv!r})
assert result.exit_code == 0, result.stderr
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & set({heavy!r})))
"""
_HEAVY = ["rich", "yaml", "ruamel", "kubernetes", "textual", "jsonpatch", "requests", "asyncio"]


@pytest.mark.parametrize(
    "argv", [("get", "demo"), ("get", "demo", "-o", "json"), ("list",), ("status", "demo")]
)
def test_reading_commands_import_nothing_heavy(
    argv: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    tests = str(request.config.rootpath / "tests")
    script = _PROGRAM.format(tests=tests, heavy=_HEAVY, argv=list(argv))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
