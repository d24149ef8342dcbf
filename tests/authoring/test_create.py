"""`rolloutctl create` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.cluster import IDENTITY_REVIEWS, Kind
from rolloutctl.errors import (
    AlreadyExists,
    Conflict,
    ExitCode,
    Failed,
    InDoubt,
    RolloutctlError,
    Unreachable,
)
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess
from support.fake_cluster import FakeCluster
from support.program import Program, Result

ROLLOUT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "shop/web:v1"}]},
        },
        "strategy": {"canary": {"steps": [{"analysis": {"templates": [{"templateName": "ok"}]}}]}},
    },
}
METRIC = {"name": "up", "provider": {"web": {"url": "http://web.shop"}}}
TEMPLATE = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "ok"},
    "spec": {"metrics": [METRIC]},
}
RUN = {**TEMPLATE, "kind": "AnalysisRun", "metadata": {"generateName": "smoke-"}}
EVERYWHERE = {**TEMPLATE, "kind": "ClusterAnalysisTemplate", "metadata": {"name": "up"}}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


class Making(FakeCluster):
    """Takes what is created, in the order it is sent; `refusals` by name."""

    def __init__(self, **refusals: RolloutctlError) -> None:
        super().__init__({})
        self.refusals = refusals
        self.sent: list[tuple[str, str, str, bool]] = []
        self.events: list[str] = []

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        if kind is IDENTITY_REVIEWS:
            return b'{"status": {"userInfo": {"username": "ann"}}}'
        if kind.kind == "Event":
            self.events.append(f"{obj['involvedObject']['name']}: {obj['message']}")
            return b"{}"
        metadata = dict(obj["metadata"])
        metadata["name"] = metadata.get("name") or metadata["generateName"] + "x7k2q"
        if metadata["name"] in self.refusals:
            raise self.refusals[metadata["name"]]
        self.sent.append((kind.kind, namespace, metadata["name"], dry_run))
        return json.dumps({**obj, "metadata": {**metadata, "uid": "u1"}}).encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Manifests in a folder the program runs in."""
    monkeypatch.chdir(tmp_path)
    write("all.yaml", ROLLOUT, RUN, SERVICE)
    write("folder/a.yaml", {"apiVersion": "v1", "kind": "List", "items": [TEMPLATE, EVERYWHERE]})
    Path("folder/b.json").write_text(json.dumps(SERVICE))
    Path("folder/notes.txt").write_text("not for us")
    write("folder/deeper/c.yml", ROLLOUT)
    return tmp_path


def write(name: str, *objects: Any) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump_all(objects, sort_keys=False))


def create(cluster: FakeCluster, *argv: str, stdin: str = "") -> Result:
    return Program(cluster=cluster, stdin=stdin)("create", *argv)


def refusing() -> Making:
    return Making(
        web=AlreadyExists("rollout shop/web is there already", subject="rollout shop/web"),
        ok=Failed("analysistemplate shop/ok: the server refuses this: spec.metrics: Required"),
    )


def test_all_documents_of_all_files_are_created_what_is_referred_to_first(folder: Path) -> None:
    cluster = Making()
    done = create(cluster, "-f", "all.yaml", "-f", "folder/a.yaml")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert cluster.sent == [
        ("Service", "shop", "web", False),
        ("ClusterAnalysisTemplate", "", "up", False),
        ("AnalysisTemplate", "shop", "ok", False),
        ("Rollout", "shop", "web", False),
        ("AnalysisRun", "shop", "smoke-x7k2q", False),
    ]
    assert [each.partition(" by")[0] for each in cluster.events] == [
        "web: create",
        "smoke-x7k2q: create",
    ]


@pytest.mark.parametrize("output", ["text", "wide", "json", "yaml", "jsonl", "name"])
def test_what_became_of_each_is_told(
    folder: Path, output: str, snapshot: SnapshotAssertion
) -> None:
    format_ = () if output == "text" else ("-o", output)
    # The service is named as the rollout is, and refused as well.
    done = create(refusing(), "-f", "all.yaml", "-f", "folder/a.yaml", *format_)
    assert done.exit_code == ExitCode.FAILED
    assert done.stdout == snapshot(name="stdout")
    assert done.stderr == snapshot(name="stderr")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (AlreadyExists("there already"), ExitCode.CONFLICT),
        (Conflict("the quota changed meanwhile"), ExitCode.CONFLICT),
        (Failed("no"), ExitCode.FAILED),
        (InDoubt("no answer"), ExitCode.CLUSTER),
    ],
)
def test_the_exit_code_is_that_of_the_refusal(
    folder: Path, refusal: RolloutctlError, code: ExitCode
) -> None:
    write("one.yaml", TEMPLATE)
    assert create(Making(ok=refusal), "-f", "one.yaml").exit_code == code


def test_who_cannot_reach_the_cluster_does_not_go_on(folder: Path) -> None:
    cluster = Making(web=Unreachable("gone"))
    done = create(cluster, "-f", "all.yaml", "-o", "json")
    assert [each["result"] for each in json.loads(done.stdout)["results"]] == [
        "failed",
        "not-done",
        "not-done",
    ]
    assert cluster.sent == []


def test_a_dry_run_creates_nothing(folder: Path) -> None:
    cluster = Making()
    done = create(cluster, "-f", "all.yaml", "--dry-run")
    assert cluster.sent == []
    assert "rollout web: would be created" in done.stdout
    done = create(cluster, "-f", "all.yaml", "--dry-run=server")
    assert {tried for *_, tried in cluster.sent} == {True}
    assert "rollout web: the server would create it" in done.stdout
    assert cluster.events == []


def test_folders_are_read_in_the_order_of_names_and_deeper_with_r(folder: Path) -> None:
    cluster = Making()
    create(cluster, "-f", "folder")
    assert [kind for kind, *_ in cluster.sent] == [
        "Service",
        "ClusterAnalysisTemplate",
        "AnalysisTemplate",
    ]
    cluster = Making()
    create(cluster, "-f", "folder", "-R")
    assert cluster.sent[-1] == ("Rollout", "shop", "web", False)


def test_stdin_is_a_file_too(folder: Path) -> None:
    cluster = Making()
    done = create(cluster, "-f", "-", "-n", "pay", stdin=yaml.safe_dump(TEMPLATE))
    assert done.exit_code == ExitCode.OK
    assert cluster.sent == [("AnalysisTemplate", "pay", "ok", False)]


HERE = {**TEMPLATE, "metadata": {"name": "ok", "namespace": "mail"}}


def test_a_namespace_in_the_file_wins_over_the_context(folder: Path) -> None:
    write("here.yaml", HERE)
    cluster = Making()
    assert create(cluster, "-f", "here.yaml").exit_code == ExitCode.OK
    assert cluster.sent == [("AnalysisTemplate", "mail", "ok", False)]


@pytest.mark.parametrize(
    ("objects", "argv", "said"),
    [
        ([HERE], ["-n", "shop"], "its namespace is mail, and -n says shop"),
        ([TEMPLATE, TEMPLATE], [], "bad.yaml:15: there is another AnalysisTemplate ok"),
        (
            [TEMPLATE, TEMPLATE],
            ["--validate", "ignore"],
            "is given twice: in bad.yaml and in bad.yaml",
        ),
        ([{**SERVICE, "kind": "Ingress"}], [], "kubectl apply -f takes all kinds"),
        ([{**TEMPLATE, "apiVersion": "argoproj.io/v1"}], [], "are not created by this"),
        ([{**TEMPLATE, "apiVersion": "argoproj.io"}], [], "are not created by this"),
        ([{**TEMPLATE, "metadata": {"name": 7}}], [], "metadata.name is no text"),
        ([{"kind": "Rollout"}], [], "bad.yaml:1: the object has no apiVersion"),
        ([SERVICE, {"apiVersion": "v1"}], [], "bad.yaml:11: the object has no kind"),
        ([{**TEMPLATE, "metadata": []}], [], "the AnalysisTemplate has no metadata.name"),
        ([], [], "nothing to create"),
    ],
)
def test_what_is_wrong_with_one_keeps_all_from_being_created(
    folder: Path, objects: list[Any], argv: list[str], said: str
) -> None:
    write("bad.yaml", *objects)
    cluster = Making()
    done = create(cluster, "-f", "all.yaml" if objects else "bad.yaml", "-f", "bad.yaml", *argv)
    assert done.exit_code == ExitCode.USAGE
    assert said in done.stderr
    assert cluster.sent == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "say what to create, as -f FILE"),
        (["-f", "none.yaml"], "none.yaml cannot be read"),
        (["-f", "empty"], "folder empty holds no manifests"),
        (["-f", "-", "-f", "-"], "stdin (-) can be read once"),
        (["-f", "broken.yaml"], "broken.yaml:2: did not find"),
        (["all.yaml"], "did you mean -f all.yaml?"),
        (["-f", "all.yaml", "--timeout", "5s"], "--timeout is for --wait"),
        (["-f", "all.yaml", "--validate", "most"], "known: strict, warn, ignore"),
        (
            ["analysisrun", "--from", "ok", "-a", "service=web shop"],
            "rolloutctl analysis run --from ok --arg 'service=web shop'",
        ),
        (["ar", "--from-file", "t.yaml"], "rolloutctl analysis run -f t.yaml"),
        (["ar", "--global", "--from", "ok"], "rolloutctl analysis run --from-cluster ok"),
        (["analysisrun"], "rolloutctl analysis run --from TEMPLATE"),
    ],
)
def test_a_command_line_that_cannot_be_meant(folder: Path, argv: list[str], said: str) -> None:
    Path("empty").mkdir()
    Path("broken.yaml").write_text("a: [")
    done = create(Making(), *argv)
    assert done.exit_code == ExitCode.USAGE
    assert said in done.stderr


# --- waiting ------------------------------------------------------------------------------------


def embedded() -> InProcess:
    sandbox = EmbeddedCluster()
    sandbox.client.create("namespaces", {"metadata": {"name": "shop"}})
    return InProcess(sandbox, "shop")


def test_rollouts_and_runs_are_followed_to_their_end(folder: Path) -> None:
    write("wait.yaml", ROLLOUT, TEMPLATE)
    done = create(embedded(), "-f", "wait.yaml", "--wait")  # type: ignore[arg-type]
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "rollout web: Healthy after" in done.stdout


def test_a_rollout_that_is_refused_by_the_controller_is_no_success(folder: Path) -> None:
    write("wait.yaml", ROLLOUT)
    done = create(embedded(), "-f", "wait.yaml", "--wait", "-o", "json")  # type: ignore[arg-type]
    assert done.exit_code == ExitCode.FAILED
    (found,) = json.loads(done.stdout)["results"]
    assert found["result"] == "created"
    assert "AnalysisTemplate 'ok' not found" in found["outcome"]["message"]
    assert not found["outcome"]["good"]


def test_an_invalid_spec_that_heals_by_itself_is_no_end(folder: Path) -> None:
    """The template comes a moment after the controller has looked at the rollout."""
    write("wait.yaml", ROLLOUT)
    cluster = embedded()
    sandbox = cluster.sandbox
    later = {**TEMPLATE, "metadata": {"name": "ok", "namespace": "shop"}}
    original = sandbox.advance
    waited: list[float] = []

    def advance(seconds: float) -> None:
        original(seconds)
        waited.append(seconds)
        if sum(waited) == 1.0:
            sandbox.apply(later)

    sandbox.advance = advance  # type: ignore[method-assign]
    done = create(cluster, "-f", "wait.yaml", "--wait")  # type: ignore[arg-type]
    assert done.exit_code == ExitCode.OK, done.stdout
    assert "rollout web: Healthy after" in done.stdout


def test_one_that_waits_for_a_person_is_not_waited_for(folder: Path) -> None:
    write("wait.yaml", {**ROLLOUT, "spec": {**ROLLOUT["spec"], "paused": True}}, TEMPLATE)
    done = create(embedded(), "-f", "wait.yaml", "--wait")  # type: ignore[arg-type]
    assert done.exit_code == ExitCode.TIMEOUT
    assert "rollout web: Paused after" in done.stdout


def test_a_wait_has_an_end(folder: Path) -> None:
    slow = {**ROLLOUT["spec"]["template"]["spec"], "containers": [{"name": "a", "image": "x:bad"}]}
    spec = {**ROLLOUT["spec"], "template": {**ROLLOUT["spec"]["template"], "spec": slow}}
    write("wait.yaml", {**ROLLOUT, "spec": spec}, TEMPLATE)
    cluster = embedded()
    cluster.sandbox.advance(1)
    argv = ("-f", "wait.yaml", "--wait", "--timeout", "250ms")
    done = create(cluster, *argv)  # type: ignore[arg-type]
    assert done.exit_code == ExitCode.TIMEOUT
    assert "rollout web: still " in done.stdout


# --- what lint says -----------------------------------------------------------------------------

WRONG = {**TEMPLATE, "spec": {"metrics": [{**METRIC, "count": 3}], "dryRuns": []}}


def test_what_lint_finds_is_said_with_its_place_and_nothing_is_created(
    folder: Path, snapshot: SnapshotAssertion
) -> None:
    write("wrong.yaml", SERVICE, WRONG)
    cluster = Making()
    done = create(cluster, "-f", "wrong.yaml")
    assert done.exit_code == ExitCode.USAGE
    assert done.stderr == snapshot
    assert cluster.sent == []


@pytest.mark.parametrize(("how", "told"), [("warn", True), ("ignore", False)])
def test_it_is_created_all_the_same_where_that_is_asked_for(
    folder: Path, how: str, *, told: bool
) -> None:
    write("wrong.yaml", WRONG)
    cluster = Making()
    done = create(cluster, "-f", "wrong.yaml", "--validate", how)
    assert done.exit_code == ExitCode.OK
    assert [name for _, _, name, _ in cluster.sent] == ["ok"]
    assert ("interval must be specified when count > 1" in done.stderr) is told
