"""`analysis run`: what becomes of templates and arguments, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.cluster import Kind
from rolloutctl.errors import Conflict, ExitCode
from support.fake_cluster import HANG, FakeCluster
from support.program import Program

Obj = dict[str, Any]
METRIC: Obj = {"name": "ok", "provider": {"web": {"url": "{{args.url}}"}}}


def template(name: str = "smoke", *, cluster: bool = False, **spec: Any) -> Obj:
    kind = "ClusterAnalysisTemplate" if cluster else "AnalysisTemplate"
    metadata: Obj = {
        "name": name,
        "labels": {"argocd.argoproj.io/instance": "prod"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "ownerReferences": [{"kind": "Owner", "name": "o"}],
    }
    if not cluster:
        metadata["namespace"] = "shop"
    return {"kind": kind, "metadata": metadata, "spec": {"metrics": [METRIC], **spec}}


class Creating(FakeCluster):
    """Takes the run, and says what becomes of it as `states`."""

    def __init__(self, *templates: Obj, states: tuple[Obj, ...] = (), there: bool = False) -> None:
        super().__init__({})
        for each in templates:
            plural = f"{each['kind'].lower()}s"
            self.objects.setdefault(plural, []).append(each)
        # What belongs to no namespace is found under "".
        for item in templates:
            if item["kind"] == "ClusterAnalysisTemplate":
                item["metadata"]["namespace"] = ""
        self.created: list[Obj] = []
        self.dry_runs: list[bool] = []
        self.states = states
        self.there = there

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        if self.there:
            raise Conflict("analysisrun shop/smoke is there already")
        item = json.loads(json.dumps(obj))
        metadata = item["metadata"]
        metadata.setdefault("name", metadata.get("generateName", "") + "x1")
        self.created.append(item)
        self.dry_runs.append(dry_run)
        states = [{**item, "status": status} for status in self.states]
        self.objects["analysisruns"] = [item]
        self.later["analysisruns"] = [("MODIFIED", each) for each in states] or [HANG]
        return json.dumps(item).encode()


def run(cluster: Creating, *argv: str, stdin: str = "") -> Any:
    return Program(cluster=cluster, stdin=stdin)("analysis", "run", *argv)


def test_the_run_of_several_templates(snapshot: SnapshotAssertion) -> None:
    other = template(
        "all",
        cluster=True,
        metrics=[{"name": "more"}],
        args=[{"name": "limit"}, {"name": "url"}],
        dryRun=[{"metricName": "more"}],
        templates=[{"templateName": "deep"}, {"templateName": "smoke"}],
    )
    deep = template(
        "deep",
        metrics=[{"name": "deep"}],
        args=[{"name": "key", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        measurementRetention=[{"metricName": "deep", "limit": 3}],
    )
    smoke = template(args=[{"name": "url"}, {"name": "limit", "value": "0.9"}])
    cluster = Creating(smoke, other, deep)
    done = run(cluster, "--from", "smoke", "--from-cluster", "all", "--arg", "url=http://x/?a=b")
    assert done.exit_code == ExitCode.OK
    assert cluster.created == snapshot


@pytest.mark.parametrize("output", [None, "name", "json", "jsonl", "yaml"])
def test_what_is_printed(output: str | None, snapshot: SnapshotAssertion) -> None:
    options = ["-o", output] if output else []
    assert run(Creating(template()), "--from", "smoke", *options).stdout == snapshot


@pytest.mark.parametrize(
    ("options", "metadata"),
    [
        ([], {"generateName": "smoke-"}),
        (["--name", "once"], {"name": "once"}),
        (["--generate-name", "try-"], {"generateName": "try-"}),
        (
            ["--instance-id", "two"],
            {
                "generateName": "smoke-",
                "labels": {"argo-rollouts.argoproj.io/controller-instance-id": "two"},
            },
        ),
    ],
)
def test_a_dry_run_prints_the_manifest(options: list[str], metadata: Obj) -> None:
    cluster = Creating(template())
    result = run(cluster, "--from", "smoke", "--dry-run", *options)
    printed = yaml.safe_load(result.stdout)
    assert printed["metadata"] == {"namespace": "shop", **metadata}
    assert printed["spec"]["metrics"] == [METRIC]
    assert cluster.created == []


def test_the_servers_dry_run_creates_nothing() -> None:
    cluster = Creating(template())
    result = run(cluster, "--from", "smoke", "--dry-run=server", "--wait")
    assert cluster.dry_runs == [True]
    assert "shop/smoke-x1 would be created" in result.stdout


def test_a_template_of_another_instance_of_the_controller_stays_with_it() -> None:
    item = template()
    key = "argo-rollouts.argoproj.io/controller-instance-id"
    item["metadata"]["labels"][key] = "one"
    cluster = Creating(item)
    run(cluster, "--from", "smoke")
    assert cluster.created[0]["metadata"]["labels"] == {key: "one"}


def test_templates_of_files_and_of_stdin(tmp_path: Path) -> None:
    deep: Obj = {"templates": [{"templateName": "deep"}], "metrics": []}
    both = [template(**deep), None, template("deep", metrics=[{"name": "deep"}])]
    (tmp_path / "both.yaml").write_text(yaml.safe_dump_all(both))
    cluster = Creating()
    done = run(cluster, "-f", str(tmp_path / "both.yaml"))
    assert done.exit_code == ExitCode.OK, done.stderr
    assert cluster.created[0]["spec"]["metrics"] == [{"name": "deep"}]
    text = json.dumps(template("other", metrics=[{"name": "m"}]))
    assert "shop/other-x1 created" in run(cluster, "-f", "-", stdin=text).stdout


ARGS = [{"name": "url"}, {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ({"args": ARGS}, [], "needs values for: url, hash (a rollout gives it: the pod template"),
        ({"args": ARGS}, ["--arg", "url=x"], "--arg hash=..."),
        ({"args": ARGS}, ["--arg", "ulr=x"], "has no argument ulr; did you mean url?"),
        ({}, ["--arg", "x=y"], "it has none"),
        ({}, ["--arg", "x"], "write --arg NAME=VALUE"),
        ({"args": ARGS}, ["--arg", "url=1", "--arg", "url=2"], "url is given twice"),
        ({"metrics": [METRIC, METRIC]}, [], "two metrics are called ok"),
        ({"metrics": []}, [], "AnalysisTemplate smoke has no metrics"),
        ({"dryRun": [{"metricName": "a"}] * 2}, [], "two dry-run rules are for a"),
        ({}, ["--name", "a", "--generate-name", "b"], "do not go together"),
        ({}, ["--timeout", "1s"], "--timeout needs --wait"),
    ],
)
def test_what_cannot_be_a_run(spec: Obj, options: list[str], said: str) -> None:
    cluster = Creating(template(**spec))
    result = run(cluster, "--from", "smoke", *options)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr
    assert cluster.created == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: AnalysisRun", "rolloutctl create -f creates an AnalysisRun"),
        ("- 1", "something without a kind"),
        ("", "stdin holds no template"),
        ("a: [", "stdin is no YAML"),
        ("kind: AnalysisTemplate", "without a name"),
    ],
)
def test_files_that_hold_no_templates(text: str, said: str) -> None:
    result = run(Creating(), "-f", "-", stdin=text)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr


def test_values_that_differ_between_templates() -> None:
    items = [template(name, args=[{"name": "a", "value": name}]) for name in ("one", "two")]
    items[1]["spec"]["metrics"] = []
    result = run(Creating(*items), "--from", "one", "--from", "two")
    assert 'argument a has different values in the templates: "one" and "two"' in result.stderr


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["--from", "smok"], ExitCode.NOT_FOUND, "did you mean smoke?"),
        (["--from-cluster", "x"], ExitCode.NOT_FOUND, 'no cluster analysis template "x"'),
        ([], ExitCode.USAGE, "say what to run"),
        (["-f", "/nowhere"], ExitCode.USAGE, "cannot be read"),
    ],
)
def test_templates_that_are_not_there(argv: list[str], code: ExitCode, said: str) -> None:
    result = run(Creating(template()), *argv)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_name_that_is_taken() -> None:
    result = run(Creating(template(), there=True), "--from", "smoke", "--name", "smoke")
    assert result.exit_code == ExitCode.CONFLICT


# --- to its end ---------------------------------------------------------------------------------


def state(phase: str, *values: str) -> Obj:
    measurements = [{"phase": "Successful", "value": value} for value in values]
    result = {"name": "ok", "count": len(values), "measurements": measurements[-2:]}
    return {"phase": phase, "message": "m", "metricResults": [result]}


@pytest.mark.parametrize(
    ("phase", "code", "said"),
    [
        ("Successful", ExitCode.OK, ""),
        ("Failed", ExitCode.FAILED, "shop/smoke-x1 ended Failed: m"),
        ("Error", ExitCode.FAILED, "ended Error"),
        ("Inconclusive", ExitCode.TIMEOUT, "a person has to decide"),
    ],
)
def test_each_measurement_is_told_and_the_end_is_the_exit_code(
    phase: str, code: ExitCode, said: str
) -> None:
    states = (state("Running", "1"), state("Running", "1", "2"), state(phase, "1", "2", "3"))
    result = run(Creating(template(), states=states), "--from", "smoke", "--wait")
    assert result.exit_code == code
    assert said in result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("ok  ")]
    assert told == ["ok  1  Successful", "ok  2  Successful", "ok  3  Successful"]
    assert result.stdout.startswith(f"smoke-x1  shop  {phase}")


def test_waiting_ends_in_time() -> None:
    result = run(Creating(template()), "--from", "smoke", "--wait", "--timeout", "20ms")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "shop/smoke-x1 is still Pending after 0.02 s, and goes on" in result.stderr


def test_a_run_that_is_deleted_meanwhile() -> None:
    cluster = Creating(template(), states=(state("Running"),))
    create = cluster.create

    def then_deleted(*args: Any, **more: Any) -> bytes:
        answer = create(*args, **more)
        cluster.later["analysisruns"] = [("DELETED", cluster.created[0])]
        return answer

    cluster.create = then_deleted  # type: ignore[method-assign]
    result = run(cluster, "--from", "smoke", "--wait")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "was deleted before it ended" in result.stderr
