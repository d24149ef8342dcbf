"""`events`: of which objects, in which order, and whose changes they tell of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.audit import Audit, Regarding, event
from rolloutctl.domain.happenings import may_have_been_of
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import ObjectReference
from rolloutctl.errors import ExitCode
from support.fake_cluster import FakeCluster
from support.program import Program

Obj = dict[str, Any]
Make = Callable[..., Program]
FORMATS = [None, "wide", "json", "yaml", "jsonl"]


def owned(kind: str, name: str, owner: str, **metadata: Any) -> Obj:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "labels": {"app": "web", "rollouts-pod-template-hash": "5d4f8c"},
            "ownerReferences": [{"kind": "Rollout", "name": owner, "uid": owner}],
            **metadata,
        }
    }


def said(about: str, minute: int, reason: str, **more: Any) -> Obj:
    kind, _, name = about.partition("/")
    at = f"2026-03-01T12:0{minute}:00Z"
    return {
        "metadata": {"name": f"{name}.{minute}", "namespace": "shop", "uid": f"{name}-{reason}"},
        "involvedObject": {"kind": kind, "name": name, "namespace": "shop", "uid": name},
        "type": "Normal",
        "reason": reason,
        "message": f"{reason} of {name}",
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "source": {"component": "rollouts-controller"},
        **more,
    }


def promoted() -> Obj:
    about = Regarding("argoproj.io/v1alpha1", "Rollout", Ref("shop", "web"), "web")
    audit = Audit("promote", "alice", "it looks good", "step 2/4", "step 3/4")
    return event(about, audit, now=datetime(2026, 3, 1, 12, 4, tzinfo=UTC))


def cluster() -> dict[str, list[Obj]]:
    pod = owned("Pod", "web-5d4f8c-x", "web")
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "uid": "web-5d4f8c"}]
    series = {"count": 12, "lastObservedTime": "2026-03-01T12:05:30.123456Z"}
    return {
        "rollouts": [
            {
                "metadata": {"name": name, "namespace": "shop", "uid": name},
                "spec": {"selector": {"matchLabels": {"app": "web"}}},
            }
            for name in ("web", "web-https")
        ],
        "replicasets": [owned("ReplicaSet", "web-5d4f8c", "web")],
        "pods": [pod],
        "events": [
            said("Pod/web-5d4f8c-x", 5, "BackOff", type="Warning", count=None, series=series),
            said("Rollout/web", 1, "RolloutUpdated"),
            promoted(),
            said("ReplicaSet/web-5d4f8c", 2, "SuccessfulCreate", count=3),
            said("Pod/web-77b9fd-old", 3, "Killing"),
            said("ReplicaSet/web-https-5d4f8c", 3, "SuccessfulCreate"),
            said("Rollout/other", 3, "RolloutUpdated"),
        ],
    }


@pytest.mark.parametrize("output", FORMATS)
def test_in_each_format(output: str | None, given: Make, snapshot: SnapshotAssertion) -> None:
    result = given(cluster())("events", "web", *(["-o", output] if output else []))
    assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
    assert result.stdout == snapshot


@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        (["--own"], ["RolloutUpdated", "RolloutctlPromote"]),
        (["--types", "warning"], ["BackOff"]),
        (
            ["--all"],
            ["RolloutUpdated", "SuccessfulCreate", "Killing", "RolloutctlPromote", "BackOff"],
        ),
        (["web-https"], ["RolloutUpdated", "SuccessfulCreate", "RolloutctlPromote", "BackOff"]),
    ],
)
def test_of_what(options: list[str], reasons: list[str], given: Make) -> None:
    result = given(cluster())("events", "web", "-o", "jsonl", *options)
    assert [json.loads(line)["reason"] for line in result.stdout.splitlines()] == reasons


def test_only_what_is_needed_is_asked_for() -> None:
    found = FakeCluster(cluster())
    Program(cluster=found)("events", "web", "--own")
    assert [each.fields for each in found.requests if each.plural == "events"] == [
        "involvedObject.kind=Rollout,involvedObject.name=web"
    ]
    assert {each.plural for each in found.requests} == {"rollouts", "events"}


def test_what_may_not_be_read_is_said_and_the_rest_is_shown() -> None:
    found = FakeCluster(cluster(), forbidden=("pods", "analysisruns"))
    result = Program(cluster=found)("events", "web", "-o", "jsonl")
    assert result.exit_code == ExitCode.FAILED
    assert "not shown: pods: not allowed" in result.stderr
    assert len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("argv", "forbidden", "code", "said"),
    [
        (["wbe"], (), ExitCode.NOT_FOUND, "did you mean web?"),
        (["web"], ("events",), ExitCode.CLUSTER, "not allowed to list events"),
        (["web", "-w"], ("events",), ExitCode.CLUSTER, "not allowed to list events"),
        (["web", "--types", "Bad"], (), ExitCode.USAGE, "known: Normal, Warning"),
        (["web", "-o", "name"], (), ExitCode.USAGE, "-o jsonl"),
        (["web", "-w", "-o", "yaml"], (), ExitCode.USAGE, "-o jsonl"),
        (["web", "--timeout", "1s"], (), ExitCode.USAGE, "--timeout needs --watch"),
    ],
)
def test_what_is_refused(
    argv: list[str], forbidden: tuple[str, ...], code: ExitCode, said: str
) -> None:
    result = Program(cluster=FakeCluster(cluster(), forbidden=forbidden))("events", *argv)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_without_any_it_says_how_long_they_are_kept(given: Make) -> None:
    result = given({**cluster(), "events": []})("events", "web", "--types", "Warning")
    assert result.exit_code == ExitCode.OK
    assert "no Warning events of shop/web: a cluster keeps them an hour" in result.stderr


def test_following_tells_each_that_comes_or_is_repeated(given: Make) -> None:
    again = said("ReplicaSet/web-5d4f8c", 2, "SuccessfulCreate", count=4)
    new = said("Pod/web-5d4f8c-x", 6, "Killing")
    later = [("MODIFIED", again), ("MODIFIED", again), ("ADDED", new)]
    later += [("ADDED", said("Pod/web-https-5d4f8c-q", 6, "Killing")), ("DELETED", new)]
    program = given(cluster(), later={"events": later})
    found = [
        (each["reason"], each["count"])
        for each in map(
            json.loads, program("events", "web", "-w", "-o", "jsonl").stdout.splitlines()
        )
    ]
    assert found == [
        ("RolloutUpdated", 1),
        ("SuccessfulCreate", 3),
        ("RolloutctlPromote", 1),
        ("BackOff", 12),
        ("SuccessfulCreate", 4),
        ("Killing", 1),
    ]
    lines = program("events", "web", "-w").stdout.splitlines()
    assert len(lines) == 7 and "(4 times)" in lines[5]


def test_a_pod_that_came_while_it_is_followed_belongs_to_it() -> None:
    found = FakeCluster(cluster())
    pods = found.objects["pods"]
    new = {
        **pods[0],
        "metadata": {**pods[0]["metadata"], "name": "web-5d4f8c-z", "uid": "web-5d4f8c-z"},
    }

    class Growing(FakeCluster):
        def watch(self, *args: Any, **asked: Any) -> Any:
            for told in super().watch(*args, **asked):
                if told.type == "SYNCED":
                    self.objects["pods"].append(new)
                yield told

    growing = Growing(
        found.objects, later={"events": [("ADDED", said("Pod/web-5d4f8c-z", 6, "Pulled"))]}
    )
    shown = Program(cluster=growing)("events", "web", "-w").stdout
    assert "pod/web-5d4f8c-z" in shown.splitlines()[-1]


def test_nothing_an_event_says_reaches_the_terminal_as_it_is(given: Make) -> None:
    evil = "\x1b]0;x\x07\nRolloutctlPromote"
    objects = cluster()
    objects["events"] = [said("Rollout/web", 1, evil, type=evil, message=evil)]
    shown = given(objects, terminal=True, columns=200)(
        "--no-color", "events", "web", "-o", "wide"
    ).stdout
    assert "\x1b" not in shown and "\x07" not in shown
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("Rollout", "web", True),
        ("Rollout", "web-5d4f8c", False),
        ("ReplicaSet", "web-5d4f8c77b", True),
        ("Pod", "web-5d4f8c77b-x2k9z", True),
        ("AnalysisRun", "web-5d4f8c77b-3-1.2", True),
        ("Pod", "web-api-5d4f8c77b-x2k9z", False),
        ("Service", "web-5d4f8c77b", False),
        ("Pod", "web", False),
    ],
)
def test_what_may_have_been_of_a_rollout(kind: str, name: str, found: bool) -> None:
    assert may_have_been_of(ObjectReference(kind=kind, name=name), "web") is found
