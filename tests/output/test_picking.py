"""--query, --columns and kubectl's formats: what is picked out, and what is said of mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.cli.run import Run
from rolloutctl.domain.cluster import Kind, Page
from rolloutctl.errors import ExitCode
from support.clusters import Clusters, cluster, rollout
from support.fake_cluster import FakeCluster
from support.program import Program
from support.screens import program, screen


@pytest.fixture
def running() -> Program:
    return program(screen("plugin running"))


def fleet(*phases: str) -> Program:
    """Rollouts a, b, c... with these phases."""
    found = [rollout(name, phase=phase) for name, phase in zip("abcdefgh", phases, strict=False)]
    return Program(cluster=FakeCluster({"rollouts": found}))


# --- --query ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("rollout.phase", "Progressing\n"),
        ("rollout.revision", "2\n"),
        ("rollout.observed", "true\n"),
        ("rollout.endsAt", "\n"),
        ("no.such.field", "\n"),
        ("steps[].state", "done\ndone\ncurrent\n"),
        ("steps[?state == 'ahead'].text", ""),
        ("rollout.{phase: phase, at: step.number}", '{\n  "phase": "Progressing",\n  "at": 3\n}\n'),
        ("steps[:1].[number, plugin]", '[\n  [\n    1,\n    "step/e2e-test"\n  ]\n]\n'),
        ("join(' ', rollout.images.to)", "demo:v2\n"),
    ],
)
def test_a_query_prints_what_a_shell_wants(running: Program, query: str, printed: str) -> None:
    result = running("get", "demo", "--query", query)
    assert (result.stdout, result.stderr, result.exit_code) == (printed, "", ExitCode.OK)


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        ("json", '{\n  "phase": "Progressing",\n  "cause": ""\n}\n'),
        ("jsonl", '{"phase":"Progressing","cause":""}\n'),
        ("yaml", "phase: Progressing\ncause: ''\n"),
    ],
)
def test_with_a_format_it_is_data(running: Program, output: str, printed: str) -> None:
    query = ("--query", "rollout.{phase: phase, cause: cause}")
    assert running("get", "demo", "-o", output, *query).stdout == printed


def test_a_string_keeps_its_quotes_as_json(running: Program) -> None:
    result = running("get", "demo", "-o", "json", "--query", "rollout.phase")
    assert result.stdout == '"Progressing"\n'


def test_a_list_is_queried_as_a_whole_and_line_by_line() -> None:
    run = fleet("Healthy", "Degraded", "Degraded")
    degraded = "items[?rollout.phase == 'Degraded'].name"
    assert run("list", "--query", degraded).stdout == "b\nc\n"
    assert run("list", "--query", f"length({degraded})").stdout == "2\n"
    assert run("list", "-o", "jsonl", "--query", "name").stdout == '"a"\n"b"\n"c"\n'
    assert run("list", "-o", "yaml", "--query", "name").stdout == "a\n---\nb\n---\nc\n"
    assert run("list", "--query", "kind").stdout == "RolloutList\n"


def test_without_options_nothing_is_different(running: Program) -> None:
    plain = json.loads(running("get", "demo", "-o", "json").stdout)
    assert json.loads(running("get", "demo", "-o", "json", "--query", "@").stdout) == plain


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "items[?a = 'b']",
            ["character 10: unknown token '='", "         ^", "phase == 'Degraded'"],
        ),
        ("rollout..phase", ['character 9: "." is not expected there', "        ^"]),
        ("length(", ["character 8: it ends too early"]),
        ("'open", ["character 1: unclosed ' delimiter"]),
        ("images-from", ["character 7: unknown token '-'", "a name with signs in it"]),
        ("lenght(items)", ["there is no function lenght", "did you mean length?"]),
        ("frob(items)", ["there is no function frob", "known: abs, avg"]),
        ("length()", ["length takes 1 argument, not 0"]),
        ("join(a)", ["join takes 2 arguments, not 1"]),
        ("  ", ["--query is no expression"]),
        ("[" * 3000, ["--query: the expression is nested too deeply"]),
        ("a" * 200 + " = 1", ["character 202: unknown token '='"]),
    ],
)
def test_a_mistake_is_shown_before_the_cluster_is_asked(query: str, said: list[str]) -> None:
    run = Program(cluster=FakeCluster({}))
    result = run("get", "demo", "--query", query)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    for text in said:
        assert text in result.stderr
    assert isinstance(run.cluster, FakeCluster)
    assert run.cluster.requests == []


def test_what_does_not_fit_the_document_is_a_mistake_too(running: Program) -> None:
    result = running("get", "demo", "--query", "max(name)")
    assert result.exit_code == ExitCode.USAGE
    assert "--query max(name) does not fit what there is: In function max()" in result.stderr


def test_it_follows_what_is_followed() -> None:
    run = program(screen("healthy"))
    assert isinstance(run.cluster, FakeCluster)
    (item,) = run.cluster.objects["rollouts"]
    later = {**item, "status": {**item["status"], "phase": "Degraded", "message": "why"}}
    run.cluster.later = {"rollouts": [("MODIFIED", later)]}
    watched = run("watch", "demo", "--query", "now.rollout.phase")
    assert watched.stdout == "Healthy\nDegraded\n"
    listed = run("list", "-w", "--columns", "change,name,phase", "--no-headers")
    assert listed.stdout == "added    demo  Healthy\nchanged  demo  Degraded\n"


def test_changes_are_picked_from_as_they_happen(running: Program) -> None:
    words = ("promote", "demo", "missing", "--columns", "name,result,CODE:exitCode")
    assert running(*words).stdout.splitlines() == [
        "NAME  RESULT  CODE",
        "demo  failed  6",
        "missing  failed  5",
    ]
    assert running("promote", "demo", "--query", "results[].result").stdout == "failed\n"


def test_text_of_a_cluster_stays_harmless() -> None:
    item = rollout("a")
    item["status"]["message"] = "one\ntwo \x1b[31mred\u202e"
    run = Program(cluster=FakeCluster({"rollouts": [item]}))
    for words in (("--query", "items[].rollout.message"), ("--columns", "message", "--no-headers")):
        assert run("list", *words).stdout == "one two red\n"
    exact = run("list", "-o", "json", "--query", "items[0].rollout.message").stdout
    assert json.loads(exact) == item["status"]["message"]
    assert "\x1b" not in exact


# --- --columns ----------------------------------------------------------------------------------


def test_columns_are_a_table(running: Program) -> None:
    known = "name,namespace,phase,step,weight,ready,image,strategy,revision,awaiting,aborted"
    assert running("list", "--columns", known).stdout.splitlines() == [
        "NAME  NAMESPACE  PHASE        STEP  WEIGHT  READY  IMAGE    STRATEGY  REVISION  AWAITING"
        "  ABORTED",
        "demo  shop       Progressing  3/3   50      2/2    demo:v2  canary    2         -       "
        "  false",
    ]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ("rollout.phase", ["PHASE", "Progressing"]),
        ("WHAT:name,rollout.step.count", ["WHAT  COUNT", "demo  3"]),
        ("steps[?state == 'done'].number", ["NUMBER", "1,2"]),
        ("A B:[name, namespace]", ["A B", "demo,shop"]),
        ("metadata.labels", ["LABELS", "{}"]),
        ("X:join(',', [name, 'a:b']),plugin", ["X         PLUGIN", "demo,a:b  step/e2e-test"]),
        ("steps[0:2].number", ["NUMBER", "1,2"]),
        ("rollout.endsAt,rollout.nothing", ["ENDSAT  NOTHING", "-       -"]),
    ],
)
def test_a_column_is_a_name_or_an_expression(
    running: Program, columns: str, lines: list[str]
) -> None:
    assert running("get", "demo", "--columns", columns).stdout.splitlines() == lines


def test_a_query_chooses_the_rows() -> None:
    run = fleet("Healthy", "Degraded", "Degraded")
    query = ("--query", "items[?rollout.phase == 'Degraded']")
    assert run("list", *query, "--columns", "name").stdout == "NAME\nb\nc\n"
    assert run("list", *query, "--columns", "name", "--no-headers").stdout == "b\nc\n"
    assert run("list", "--query", "items[?name == 'z']", "--columns", "name").stdout == ""
    assert run("list", "--query", "@", "--columns", "name").stdout == "NAME\na\nb\nc\n"


def test_widths_are_those_of_all_rows_read_together() -> None:
    found = [rollout("a"), rollout("quite-a-long-name")]
    run = Program(cluster=FakeCluster({"rollouts": found}))
    assert run("list", "--columns", "name,phase").stdout.splitlines() == [
        "NAME               PHASE",
        "a                  Healthy",
        "quite-a-long-name  Healthy",
    ]


def test_a_long_list_is_written_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    before_page: list[int] = []

    class Paged(FakeCluster):
        def pages(
            self, kind: Kind, namespace: str | None, as_type: type[Any], **more: Any
        ) -> Iterator[Page]:
            for page in super().pages(kind, namespace, as_type, **more):
                before_page.append(len(written))
                yield page

    monkeypatch.setattr(Run, "out", lambda self, text: written.extend(text.splitlines()))
    items = [rollout(f"r{number:04}") for number in range(1600)]
    run = Program(cluster=Paged({"rollouts": items}, page_size=400))
    run("list", "--columns", "name", "--no-headers")
    assert len(written) == 1600
    assert before_page == [0, 0, 500, 1000]


def test_several_clusters_have_a_column() -> None:
    run = Clusters({"prod": cluster("checkout"), "stage": cluster("web")})
    assert run("list", "--all-contexts", "--columns", "cluster,name").stdout.splitlines() == [
        "CLUSTER  NAME",
        "prod     checkout",
        "stage    web",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--columns", "name,"), "--columns is no expression"),
        (("--columns", "a..b"), "--columns a..b cannot be read at character 3"),
        (("--columns", "a", "-o", "json"), "--columns does not go with -o json"),
        (("--query", "a", "-o", "name"), "--query does not go with -o name"),
        (("--query", "a", "-o", "wide"), "--query does not go with -o wide"),
        (("--no-headers",), "--no-headers goes with --columns"),
        (("--query", "a", "-o", "jsonpath={.a}"), "--query does not go with -o jsonpath"),
        (
            ("-o", "jsonpath={.a}", "--no-headers"),
            "--no-headers goes with --columns and -o custom-",
        ),
        (("-o", "go-template={{.a}}"), "use --query 'rollout.phase'"),
        (("-o", "go-template-file=x"), "-o go-template-file is not understood here"),
        (("-o", "jsonpath"), "-o jsonpath has no expression"),
        (("-o", "jsonpath={range .items[*]}{.a}{end}"), "{range .items[*]} is not understood"),
        (("-o", "jsonpath={.a"), "the braces do not match at character 1"),
        (("-o", "jsonpath={.a[}"), "is no JSONPath"),
        (("-o", "custom-columns=NAME"), "NAME is no column"),
        (("-o", "custom-columns=NAME:.a,"), "nothing is no column"),
        (("-o", "josn"), "did you mean json?"),
    ],
)
def test_what_does_not_go_together(words: tuple[str, ...], said: str) -> None:
    run = Program(cluster=FakeCluster({}))
    result = run("get", "demo", *words)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("nmae", ["--columns nmae: there is no column nmae", "did you mean name?"]),
        ("name,WHO:rolout.phase", ["there is no column rolout", "did you mean rollout?"]),
        ("xyzzy", ["there is no column xyzzy", "known: name, namespace", "docs/output.md"]),
    ],
)
def test_a_column_that_is_nowhere_is_said_before_the_cluster_is_asked(
    columns: str, said: list[str]
) -> None:
    run = fleet("Healthy")
    result = run("list", "--columns", columns)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    for text in said:
        assert text in result.stderr
    assert isinstance(run.cluster, FakeCluster)
    assert run.cluster.requests == []


def test_a_column_that_only_another_command_has(running: Program) -> None:
    assert "LEN" in running("get", "demo", "--columns", "LEN:steps").stdout
    result = running("list", "--columns", "name,steps")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "a RolloutRow has no steps" in result.stderr


def test_a_query_may_make_columns_of_any_name() -> None:
    query = ("--query", "items[].{who: name}")
    assert fleet("Healthy")("list", *query, "--columns", "who").stdout == "WHO\na\n"


def test_what_only_some_documents_have_is_a_column_still() -> None:
    assert (
        fleet("Healthy")("list", "--columns", "cluster,name").stdout
        == "CLUSTER  NAME\n-        a\n"
    )


def test_lists_have_the_columns_of_the_settings(running: Program, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('output = "wide"\ncolumns = ["name", "AT:step"]\n')
    plain = running("get", "demo", "-o", "wide").stdout
    running.env = {"ROLLOUTCTL_CONFIG": str(file)}
    for words in (("list",), ("get",)):
        assert running(*words).stdout == "NAME  AT\ndemo  3/3\n"
    assert running("list", "--columns", "phase").stdout == "PHASE\nProgressing\n"
    assert running("list", "-o", "name").stdout == "rollout.argoproj.io/demo\n"
    assert running("get", "demo").stdout == plain
    assert running("list", "--query", "items[].name").stdout == "demo\n"


# --- kubectl's ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        ("jsonpath={.status.phase}", "Progressing\n"),
        ("jsonpath=.status.phase", "Progressing\n"),
        ("jsonpath={$.metadata.name}{'\\n'}at {.status.currentStepIndex}", "demo\nat 2\n"),
        ("jsonpath={.spec.template.spec.containers[*].image}", "demo:v2\n"),
        ("jsonpath={.status.conditions[?(@.type=='Progressing')].status}", "True\n"),
        ("jsonpath={.metadata.annotations.rollout\\.argoproj\\.io/revision}", "2\n"),
        ("jsonpath={.status.nothing}", "\n"),
        ("jsonpath={.spec.selector}", '{"matchLabels":{"app":"demo"}}\n'),
        ("jsonpath-as-json={.status.phase}", '[\n  "Progressing"\n]\n'),
        ("custom-columns=NAME:.metadata.name,P:.status.phase", "NAME  P\ndemo  Progressing\n"),
        ("custom-columns=A:.x,B:{.spec.template.spec.containers[*].name}", "A  B\n-  app\n"),
    ],
)
def test_kubectls_paths_are_those_of_the_object(
    running: Program, output: str, printed: str
) -> None:
    result = running("get", "demo", "-o", output)
    assert (result.stdout, result.stderr) == (printed, "")


def test_kubectls_paths_in_a_list() -> None:
    run = fleet("Healthy", "Degraded")
    assert run("get", "-o", "jsonpath={.items[*].metadata.name}").stdout == "a b\n"
    columns = "custom-columns=NAME:.metadata.name,PHASE:.status.phase"
    assert run("get", "-o", columns).stdout == "NAME  PHASE\na     Healthy\nb     Degraded\n"
    assert run("get", "-o", columns, "--no-headers").stdout == "a  Healthy\nb  Degraded\n"
    assert run("list", "-o", columns).stdout == "NAME  PHASE\na     Healthy\nb     Degraded\n"
    picked = run("list", "-o", "jsonpath={.items[*].metadata.name}", "--phase", "degraded")
    assert picked.stdout == "b\n"


@pytest.mark.parametrize(
    ("group", "plural"), [("analysis", "analysisruns"), ("experiment", "experiments")]
)
def test_kubectls_paths_in_a_list_of_runs(group: str, plural: str) -> None:
    def one(name: str, phase: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "namespace": "shop"}, "status": {"phase": phase}}

    found = [one("a", "Running"), one("b", "Failed")]
    run = Program(cluster=FakeCluster({plural: found}, page_size=1))
    columns = "custom-columns=NAME:.metadata.name,PHASE:.status.phase"
    assert run(group, "list", "-o", columns).stdout == "NAME  PHASE\na     Running\nb     Failed\n"
    path = "jsonpath={.items[*].metadata.name}"
    assert run(group, "list", "-o", path).stdout == "a b\n"
    assert run(group, "list", "-o", path, "--phase", "failed").stdout == "b\n"


@pytest.mark.parametrize(
    "words", [("list",), ("get",), ("analysis", "list"), ("experiment", "list")]
)
def test_kubectls_paths_and_what_is_followed(words: tuple[str, ...]) -> None:
    """A followed list is told in documents of our own, in which they would find nothing."""
    run = fleet("Healthy")
    result = run(*words, "-w", "-o", "custom-columns=NAME:.metadata.name")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "-o custom-columns does not go with --watch" in result.stderr
    assert "--columns NAME:row.name" in result.stderr


def test_literals_of_an_older_jmespath_are_understood() -> None:
    from rolloutctl.cli.queries import jmespath_query

    assert jmespath_query("[?a==`b`].a", "--query")([{"a": "b"}, {"a": "c"}]) == ["b"]
