"""`--plugin path.py:Class`: what loads, and what is said when it does not."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from rolloutctl.errors import UsageError
from rolloutctl.sandbox.plugins.loader import Spec, load
from rolloutctl.sandbox.plugins.protocol import Context

GATE = """
from rolloutctl.sandbox.plugins.protocol import Result

class Gate:
    name = "acme/gate"

    def run(self, rollout, context):
        return Result("Running", "hello", 11.0, {"n": 1})
"""


def written(folder: Path, text: str, name: str = "gate.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def test_a_class_says_its_own_name(tmp_path: Path) -> None:
    name, plugin = load(Spec.parse(f"{written(tmp_path, GATE)}:Gate"))
    assert name == "acme/gate"
    assert plugin.run({}, Context(name)).message == "hello"


def test_the_command_line_may_name_it(tmp_path: Path) -> None:
    assert load(Spec.parse(f"my/own={written(tmp_path, GATE)}:Gate"))[0] == "my/own"


def test_without_terminate_and_abort_there_is_nothing_to_clean_up(tmp_path: Path) -> None:
    name, plugin = load(Spec.parse(f"{written(tmp_path, GATE)}:Gate"))
    assert plugin.terminate({}, Context(name)).phase == "Successful"
    assert plugin.abort({}, Context(name)).phase == "Successful"


def test_one_of_the_two_is_kept(tmp_path: Path) -> None:
    text = (
        GATE + "\n    def abort(self, rollout, context):\n        return Result('Failed', 'no')\n"
    )
    name, plugin = load(Spec.parse(f"{written(tmp_path, text)}:Gate"))
    assert plugin.abort({}, Context(name)).message == "no"
    assert plugin.terminate({}, Context(name)).phase == "Successful"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("pass", "run returned NoneType, not a Result"),
        ("raise SystemExit(3)", r"run called sys\.exit\(3\)"),
        ("return Result('Running', 'x', 11.0, {'at': object()})", "status that is no JSON"),
        ("return Result(None)", "no text"),
        ("raise ValueError('own words')", "own words"),
    ],
)
def test_what_a_plugin_must_not_return_is_an_error_with_a_cause(
    tmp_path: Path, body: str, error: str
) -> None:
    text = GATE.replace('return Result("Running", "hello", 11.0, {"n": 1})', body)
    name, plugin = load(Spec.parse(f"{written(tmp_path, text)}:Gate"))
    with pytest.raises((TypeError, RuntimeError, ValueError), match=error):
        plugin.run({}, Context(name))


def test_a_plugin_cannot_change_the_controllers_rollout(tmp_path: Path) -> None:
    text = GATE.replace("        return", "        rollout['spec'].clear()\n        return")
    name, plugin = load(Spec.parse(f"{written(tmp_path, text)}:Gate"))
    rollout = {"spec": {"replicas": 3}}
    plugin.run(rollout, Context(name))
    assert rollout == {"spec": {"replicas": 3}}


def test_a_helper_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    written(tmp_path, "WORD = 'beside'\n", "helper_of_the_gate.py")
    text = "from helper_of_the_gate import WORD\n" + GATE.replace('"hello"', "WORD")
    name, plugin = load(Spec.parse(f"{written(tmp_path, text)}:Gate"))
    assert plugin.run({}, Context(name)).message == "beside"


def test_a_path_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, GATE)
    monkeypatch.chdir(tmp_path)
    assert str(Spec.parse("a/b=gate.py:Gate")) == f"a/b={path}:Gate"


@pytest.mark.parametrize(
    ("spec", "text", "message"),
    [
        ("{}", GATE, "class is not given"),
        ("{}:not a class", GATE, "class is not given"),
        ("nowhere.py:Gate", GATE, "no such plugin file"),
        ("{}:Missing", GATE, "no class Missing"),
        ("a b={}:Gate", GATE, "cannot name a plugin"),
        ("{}:Gate", "class Gate:\n    def run(self, r, c): ...\n", "does not say which plugin"),
        ("{}:Gate", "class Gate:\n    name = 'no slash'\n", "does not say which plugin"),
        ("{}:Gate", "class Gate:\n    name = 'a/b'\n", "no run"),
        ("{}:Gate", "class Gate\n", r"SyntaxError: .*\(line 1\)"),
        ("{}:Gate", "x = 1\nimport nothing_of_the_kind\n", r"ModuleNotFoundError.*\(line 2\)"),
        ("{}:Gate", "raise SystemExit(3)\n", r"SystemExit: 3 \(line 1\)"),
        (
            "{}:Gate",
            "class Gate:\n    name = 'a/b'\n    def __init__(self):\n        raise OSError('x')\n",
            r"Gate\(\) failed: OSError: x \(line 4\)",
        ),
    ],
)
def test_what_does_not_load_says_why(tmp_path: Path, spec: str, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=message):
        load(Spec.parse(spec.format(path)))


def test_the_example_of_the_readme_is_a_plugin(tmp_path: Path) -> None:
    readme = Path(__file__).parents[3] / "README.md"
    (example,) = re.findall(r"```python\n(.*?class Gate.*?)```", readme.read_text(), re.DOTALL)
    name, plugin = load(Spec.parse(f"{written(tmp_path, example)}:Gate"))
    assert name == "acme/gate"
    first = plugin.run({}, Context(name))
    assert first.phase == "Running" and first.requeue_after is not None
    assert plugin.run({}, Context(name, {}, {"asked": 2})).phase == "Successful"
    assert plugin.abort({}, Context(name)).phase == "Successful"
