"""Conditions of triggers: the common forms are evaluated, all else is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.domain.expressions import NotEvaluated, evaluate

ROLLOUT: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"tier": "web", "a/b": "c"}},
    "spec": {"replicas": 4, "paused": False, "steps": [{"setWeight": 20}, {"pause": {}}]},
    "status": {"phase": "Paused", "weight": 2.5},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("rollout.status.phase == 'Paused'", True),
        ('rollout.status.phase != "Paused"', False),
        ("rollout.spec.replicas >= 4 && rollout.spec.replicas < 5", True),
        ("rollout.spec.replicas > 4 or rollout.status.weight <= 2.5", True),
        ("not rollout.spec.paused and !rollout.spec.paused", True),
        ("rollout.status.phase in ['Paused', 'Degraded']", True),
        ("rollout.status.phase not in ['Paused',]", False),
        ("'tier' in rollout.metadata.labels", True),
        ("rollout.metadata.labels['a/b'] == 'c'", True),
        ("rollout.spec.steps[1].pause != nil", True),
        ("rollout.spec.steps[-1].setWeight == nil", True),
        ("rollout.status.nothing == nil", True),
        ("rollout.status.nothing?.more == nil", True),
        ("rollout.status.nothing ?? 'x' in ['x']", True),
        ("len(rollout.spec.steps) == 2", True),
        ("rollout.metadata.name startsWith 'w' and rollout.metadata.name endsWith 'b'", True),
        ("rollout.metadata.name contains 'e'", True),
        ("rollout.metadata.name matches '^w.b$'", True),
        ("rollout.spec.replicas * 2 + 1 - 3 == 6", True),
        ("rollout.spec.replicas % 3 == 1 and -rollout.spec.replicas / 2 == -2", True),
        ("(rollout.spec.paused ? 'yes' : 'no') == 'no'", True),
        ("'it\\'s' == \"it's\"", True),
        ("true != false", True),
        ("rollout.spec.paused == 0", False),
        ("orders == 1", NotEvaluated),
        ("rollout.metadata.name", "web"),
    ],
)
def test_what_is_known(text: str, value: Any) -> None:
    if value is NotEvaluated:
        with pytest.raises(NotEvaluated):
            evaluate(text, {"rollout": ROLLOUT})
    else:
        assert evaluate(text, {"rollout": ROLLOUT}) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time.Now() == nil", "the function time.Now is not known here"),
        ("time.Now().Sub(time.Now()).Minutes() > 3", "the function time.Now().Sub().Minutes"),
        ("secrets.token == 'x'", "secrets is not known here"),
        ("filter(rollout.spec.steps, {true})", "not understood here at column"),
        ("all(rollout.spec.steps)", "the function all is not known here"),
        ("rollout.status.nothing.more", "nothing has 'more'"),
        ("rollout.spec.steps[9]", "there is no item 9"),
        ("rollout.spec.replicas.x", "it fails at 'x'"),
        ("rollout.spec.replicas > 'x'", "a number is needed"),
        ("rollout.spec.replicas and true", "take true or false"),
        ("1 / 0 == 1", "it fails: division by zero"),
        ("1 in 2", "in takes a list or a map"),
        ("rollout.metadata.name contains 1", "contains takes texts"),
        ("rollout.metadata.name matches '('", "the pattern"),
        ("len(1)", "len of what has no length"),
        ("rollout.status.phase ==", "not understood here"),
        ("", "not understood here"),
        ("(" * 200 + "1" + ")" * 200 + "(", "not understood here"),
        ("!" * 100 + "true", "nested too deep"),
        ("1" + " + 1" * 5000, "more than 4096 characters"),
        ("rollout.__class__.x", "nothing has 'x'"),
    ],
)
def test_what_is_not_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(NotEvaluated) as raised:
        evaluate(text, {"rollout": ROLLOUT})
    assert said in raised.value.message
