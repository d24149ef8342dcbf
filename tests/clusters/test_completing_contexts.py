"""The names of contexts that the shell is offered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from rolloutctl.cli import completion


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ["prod-eu", "prod-us", "arn:aws:eks:eu:1:cluster/x", "evil$(id)", "a b", "no\nway"]
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({"contexts": [{"name": name, "context": {}} for name in names]}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def offered(incomplete: str, **given: Any) -> list[str]:
    return completion.context_names(SimpleNamespace(params=given, parent=None), incomplete)


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize(
    ("incomplete", "expected"),
    [
        ("prod", ["prod-eu", "prod-us"]),
        ("prod-us,prod", ["prod-us,prod-eu"]),
        ("prod-us,", ["prod-us,prod-eu", "prod-us,arn:aws:eks:eu:1:cluster/x"]),
        ("", ["prod-eu", "prod-us", "arn:aws:eks:eu:1:cluster/x"]),
        ("nowhere", []),
    ],
)
def test_names_that_a_shell_may_be_given(incomplete: str, expected: list[str]) -> None:
    assert offered(incomplete) == expected


def test_nothing_is_said_without_a_kubeconfig(
    kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered("", kubeconfig=str(kubeconfig) + "-gone") == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize(
    ("contexts", "expected"),
    [([], None), (["prod-eu"], "prod-eu"), (["prod-us, prod-eu"], "prod-us")],
)
def test_names_of_rollouts_are_those_of_the_first(
    contexts: list[str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "rolloutctl.kube.connect", lambda **settings: asked.append(settings["context"])
    )
    ctx = SimpleNamespace(params={"context": contexts}, parent=None)
    assert completion.rollout_names(ctx, "x") == []
    assert asked == [expected]
