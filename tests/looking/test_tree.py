"""`tree`: what belongs to a rollout and what it names, pinned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.actions.owned import read
from rolloutctl.domain.owned import needed, tree
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode
from rolloutctl.render.surface import Surface
from rolloutctl.render.theme import to_text
from rolloutctl.render.views import owned as views
from support.clusters import Clusters
from support.clusters import cluster as one_of_several
from support.fake_cluster import FakeCluster
from support.program import Program
from support.recorded import moment

Obj = dict[str, Any]
Make = Callable[..., Program]
FORMATS = [None, "wide", "json", "yaml", "jsonl", "name"]


@pytest.mark.parametrize("output", FORMATS)
def test_in_each_format(output: str | None, recorded: Make, snapshot: SnapshotAssertion) -> None:
    result = recorded("experiment-step")("tree", "demo", *(["-o", output] if output else []))
    assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
    assert result.stdout == snapshot


def test_without_unicode() -> None:
    found = moment("experiment-step")
    belongings = read(FakeCluster(found.objects), Ref("shop", "demo")).belongings
    surface = Surface(width=100, unicode=False, now=found.now)
    text = to_text(views.lines(tree(belongings), (), surface), colour=False, unicode=False)
    lines = text.splitlines()
    assert lines[2].startswith("|- ReplicaSet/demo-b6bcc645c ")
    assert lines[3].startswith("|  |- Pod/demo-b6bcc645c-")
    assert lines[4].startswith("|  `- Pod/demo-b6bcc645c-")
    assert text.isascii() and "?" not in text


def test_an_analysis_run_with_its_job_and_what_the_spec_names() -> None:
    found = moment("analysis-job-failure")
    (run,) = found.objects["analysisruns"]
    job: Obj = {
        "metadata": {
            "name": "j",
            "namespace": "shop",
            "uid": "j",
            "labels": {"analysisrun.argoproj.io/uid": run["metadata"]["uid"]},
            "ownerReferences": [{"kind": "AnalysisRun", "uid": run["metadata"]["uid"]}],
        },
        "status": {"conditions": [{"type": "Failed", "status": "True"}]},
    }
    pod: Obj = {
        "metadata": {
            "name": "j-1",
            "namespace": "shop",
            "uid": "j-1",
            "labels": {"job-name": "j"},
            "ownerReferences": [{"kind": "Job", "uid": "j"}],
        },
        "status": {"phase": "Failed"},
    }
    found.objects["jobs"] = [job]
    found.objects["pods"].append(pod)
    program = Program(cluster=FakeCluster(found.objects), now=lambda: found.now)
    lines = program("tree", "demo").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "AnalysisRun/" in line)
    assert "Failed  revision 2" in lines[at]
    assert lines[at + 1].split()[:3] == ["└─", "Job/j", "Failed"]
    assert lines[at + 2].split()[:3] == ["└─", "Pod/j-1", "Failed"]
    assert "  AnalysisTemplate/j  step 2  missing" in lines
    forbidden = FakeCluster(found.objects, forbidden=("jobs", "analysistemplates"))
    result = Program(cluster=forbidden, now=lambda: found.now)("tree", "demo")
    assert result.exit_code == ExitCode.OK
    assert "not shown: jobs: not allowed to list jobs" in result.stdout
    assert "step 2  not readable: not allowed" in result.stdout


def test_owners_in_a_ring_do_not_go_on_for_ever() -> None:
    def set_(name: str, *owners: str) -> Obj:
        return {
            "metadata": {
                "name": name,
                "namespace": "shop",
                "uid": name,
                "labels": {"app": "web", "rollouts-pod-template-hash": name},
                "ownerReferences": [{"kind": "Rollout", "uid": owner} for owner in owners],
            }
        }

    rollout = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    }
    sets = [set_("a", "web", "b"), set_("b", "web", "a")]
    cluster = FakeCluster({"rollouts": [rollout], "replicasets": sets})
    shown = Program(cluster=cluster)("tree", "web", "-o", "name").stdout.splitlines()
    assert shown[0] == "rollout.argoproj.io/web"
    assert len(shown) == 5


def test_nothing_an_object_says_reaches_the_terminal_as_it_is() -> None:
    evil = "\x1b[2J\nfake\u202e"
    labels = {"app": "web", "rollouts-pod-template-hash": evil}
    metadata: Obj = {"namespace": "shop", "labels": labels}
    rollout = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "workloadRef": {"kind": evil, "name": evil},
            "strategy": {"canary": {"stableService": evil}},
        },
        "status": {"phase": evil, "message": evil},
    }
    owned = [{"kind": "Rollout", "uid": "web"}]
    run = {
        "metadata": {**metadata, "name": evil, "uid": "r", "ownerReferences": owned},
        "status": {"phase": evil, "message": evil},
    }
    found: dict[str, list[Obj]] = {
        "rollouts": [rollout],
        "analysisruns": [run],
        "experiments": [run],
    }
    program = Program(cluster=FakeCluster(found), terminal=True, columns=300)
    shown = program("--no-color", "tree", "web", "-o", "wide").stdout
    assert "\x1b" not in shown and "\u202e" not in shown
    assert not any(line.startswith("fake") for line in shown.splitlines())
    assert "AnalysisRun/ fake" in shown


def test_of_several_clusters() -> None:
    program = Clusters({"prod": one_of_several("web"), "stage": one_of_several("web")})
    result = program("tree", "web", "--all-contexts", "-o", "jsonl")
    found = [json.loads(line)["cluster"] for line in result.stdout.splitlines()]
    assert found == ["prod", "stage"]
    assert program("tree", "web", "--all-contexts", "-o", "name").exit_code == ExitCode.USAGE


def test_one_that_is_not_there(recorded: Make) -> None:
    result = recorded("experiment-step")("tree", "dmeo")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "did you mean demo?" in result.stderr


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({"workloadRef": {"kind": "Deployment", "name": "web"}}, ["Deployment/web pod template"]),
        (
            {
                "strategy": {
                    "blueGreen": {
                        "activeService": "a",
                        "previewService": "p",
                        "prePromotionAnalysis": {"templates": [{"templateName": "pre"}]},
                        "postPromotionAnalysis": {
                            "templates": [{"templateName": "post", "clusterScope": True}]
                        },
                    }
                }
            },
            [
                "Service/a active",
                "Service/p preview",
                "AnalysisTemplate/pre pre-promotion",
                "ClusterAnalysisTemplate/post post-promotion",
            ],
        ),
        (
            {
                "strategy": {
                    "canary": {
                        "stableService": "s",
                        "canaryService": "c",
                        "pingPong": {"pingService": "i", "pongService": "o"},
                        "analysis": {"templates": [{"templateName": "all"}]},
                        "steps": [
                            {"analysis": {"templates": [{"templateName": "all"}]}},
                            {"experiment": {"analyses": [{"templateName": "trial"}]}},
                            {"pause": {}},
                        ],
                        "trafficRouting": {
                            "istio": {
                                "virtualServices": [{"name": "vs.mesh"}],
                                "destinationRule": {"name": "dr"},
                            },
                            "nginx": {"stableIngress": "n", "stableIngresses": ["n", "m"]},
                            "alb": {"ingress": "l", "rootService": "r"},
                            "traefik": {"weightedTraefikServiceName": "t"},
                        },
                    }
                }
            },
            [
                "Service/s stable",
                "Service/c canary",
                "Service/i ping",
                "Service/o pong",
                "DestinationRule/dr traffic",
                "Ingress/n traffic",
                "Ingress/l traffic",
                "Service/r root",
                "TraefikService/t traffic",
                "VirtualService/vs@mesh traffic",
                "Ingress/m traffic",
                "AnalysisTemplate/all background analysis",
                "AnalysisTemplate/trial step 2",
            ],
        ),
        ({"strategy": {"canary": {"steps": [3, {"analysis": []}], "trafficRouting": "x"}}}, []),
        (None, []),
    ],
)
def test_what_a_spec_names(spec: Any, names: list[str]) -> None:
    found = needed({"metadata": {"namespace": "shop"}, "spec": spec})
    assert [
        f"{each.kind}/{each.name}{'@' + each.namespace if each.namespace == 'mesh' else ''}"
        f" {each.what}"
        for each in found
    ] == names
