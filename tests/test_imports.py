"""What each command may import: start-up time is spent here, or saved.

Each command runs as its own process, as a user runs it, and then says which modules it holds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import rolloutctl
from support.scripted import listing, reply, serving, thing, write_kubeconfig

_PROGRAM = """
import sys
from rolloutctl.cli.main import main
code = main({argv!r})
print("loaded:", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""
HEAVY = {
    "asyncio",
    "cryptography",
    "jsonpatch",
    "kubernetes",
    "pydantic",
    "requests",
    "rich",
    "ruamel",
    "textual",
}
NETWORK = {"http", "msgspec", "ssl", "urllib3", "yaml"}
ROLLOUT = thing(
    "web",
    3,
    spec={
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
    },
    status={"phase": "Healthy", "observedGeneration": "0"},
)


def modules(*argv: str, env: dict[str, str] | None = None) -> set[str]:
    """All modules a command has loaded when it ends well."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(argv=list(argv))],
        capture_output=True,
        text=True,
        timeout=60,
        env=env or {},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("loaded: "))
    return set(line.split()[1:])


def packages(loaded: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


def test_the_version_waits_for_nothing() -> None:
    found = modules("--version")
    assert not packages(found) & (HEAVY | NETWORK | {"typer"})
    assert not {name for name in found if name.startswith("rolloutctl.") and "cli" not in name} - {
        "rolloutctl.errors"
    }


@pytest.mark.parametrize("argv", [("completion", "bash"), ("version",)])
def test_commands_without_a_cluster_load_no_network(argv: tuple[str, ...]) -> None:
    found = modules(*argv)
    assert not packages(found) & (HEAVY | NETWORK)
    assert not {name for name in found if name.startswith("rolloutctl.sandbox")}


@pytest.mark.parametrize("argv", [("--help",), ("get", "--help"), ("promote", "--help")])
def test_help_loads_nothing_heavy(argv: tuple[str, ...]) -> None:
    found = modules(*argv)
    assert not packages(found) & (HEAVY - {"rich"})
    assert not {name for name in found if name.startswith("rolloutctl.sandbox.")}


@pytest.mark.parametrize(
    "argv",
    [
        ("get", "web"),
        ("get",),
        ("get", "web", "-o", "json"),
        ("get", "web", "-o", "jsonl"),
        ("list",),
        ("list", "-A", "-l", "app=web"),
        ("fleet",),
        ("fleet", "-n", "shop", "-o", "json"),
        ("status", "web", "--request-timeout", "5s"),
        ("explain", "web"),
    ],
)
def test_looking_loads_nothing_heavy(argv: tuple[str, ...], tmp_path: Path) -> None:
    def answer(handler: object) -> None:
        asked = script.asked[-1].path
        body = ROLLOUT if asked.endswith("/web") else listing([], 9)
        if asked.endswith("/rollouts"):
            body = listing([ROLLOUT], 9)
        reply(200, body)(handler)  # type: ignore[arg-type]

    with serving(answer) as script:
        config = write_kubeconfig(tmp_path / "config", script.url)
        found = modules(*argv, env={"KUBECONFIG": str(config)})
        assert script.asked
    assert not packages(found) & HEAVY
    assert not {name for name in found if name.startswith("rolloutctl.sandbox")}
    # Nobody pays for what only an explanation reads.
    assert ("rolloutctl.domain.wire_details" in found) == (argv[0] == "explain")


def test_there_is_one_version() -> None:
    assert metadata.version("rolloutctl") == rolloutctl.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", rolloutctl.__version__)
