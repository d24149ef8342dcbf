"""What every command prints as JSON, JSON lines and YAML is as its schema says.

A new command with -o: its schemas go to `rolloutctl.render.schemas` (its docstring says how), and
a `Case` into `CASES` here, for each way in which it prints something of its own. Until then it
stands in `WITHOUT`.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jsonschema
import pytest
import yaml

from changes.test_lockstep import THREE, Group
from notifications.test_notifications import CONFIG as NOTIFICATIONS
from notifications.test_notifications import ROLLOUT as NOTIFIED
from rolloutctl.cli import app
from rolloutctl.render import schemas
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.changing_cluster import ChangingCluster
from support.clusters import Clusters, cluster
from support.examined import NOW, Examined, installation
from support.fake_cluster import FakeCluster
from support.plans import manifest
from support.plugin_site import Site, plugin
from support.program import Program, Result
from support.recorded import trace
from support.screens import CONFIGURATION, SCREENS, screen
from support.shapes import closed, parsed, problems

WITHOUT: set[str] = set()
"""Commands with -o whose documents have no schema yet."""

FOREIGN = {"convert deployment", "convert rollout"}
"""Commands that print objects of Kubernetes, which have schemas of their own."""

LINES = {"plugins status": "PluginRun"}
"""What the lines of -o jsonl are where they do not say it: results of a change, as a rule."""


class Runs(Protocol):
    def __call__(self, *argv: str) -> Result: ...


def at(name: str) -> Runs:
    """A cluster at a recorded moment, which can be changed."""
    found = screen(name)
    return Program(
        cluster=ChangingCluster(found.objects, namespace=found.namespace), now=lambda: found.now
    )


def moving() -> Runs:
    """A cluster in which a rollout goes through all its recorded states."""
    states = []
    for event in trace("plugin-failed-aborts")["watch"]:
        if event["kind"] == "rollouts":
            item = copy.deepcopy(event["object"])
            item["metadata"]["namespace"] = "shop"
            states.append(item)
    first, *later = states
    found = FakeCluster(
        {"rollouts": [first], "configmaps": [CONFIGURATION]},
        later={"rollouts": [("MODIFIED", item) for item in later]},
    )
    return Program(cluster=found, now=lambda: screen("healthy").now)


def two() -> Runs:
    """Two clusters, both with a rollout "checkout"."""
    return Clusters({"prod": cluster("checkout", "search"), "stage": cluster("checkout")})


def group() -> Runs:
    """Two rollouts that wait at the same step."""
    return Program(cluster=Group(a=THREE, b=THREE).cluster)


def site() -> Runs:
    """A sandbox with a rollout whose plugin is running."""
    sandbox = EmbeddedCluster()
    sandbox.advance(5)
    found = Site(sandbox, Program())
    found.deploy([plugin(run="60s")])
    return found.program


def examined() -> Runs:
    """A cluster whose controller can be looked at."""
    return Program(cluster=Examined(installation()), now=lambda: NOW)


def examined_twice() -> Runs:
    return Clusters({name: Examined(installation()) for name in ("prod", "stage")})


class Talking(FakeCluster):
    """Every container has printed two lines."""

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        return "2026-03-01T12:00:00.123456789Z ready\nno time at all\n"


def talking() -> Runs:
    """A rollout with pods, and an analysis run with a job."""
    found = screen("analysis failed")
    (run, *_) = found.objects["analysisruns"]
    (metric,) = run["spec"]["metrics"]
    (result,) = run["status"]["metricResults"]
    metric["provider"] = {"job": {}}
    name = f"{run['metadata']['uid']}.{metric['name']}.1"
    result["measurements"][0]["metadata"] = {"job-name": name, "job-namespace": "shop"}
    job = {
        "metadata": {"name": "j-1", "namespace": "shop", "labels": {"job-name": name}},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"containerStatuses": [{"name": "main", "state": {"terminated": {}}}]},
    }
    found.objects["pods"].append(job)
    return Program(cluster=Talking(found.objects), now=lambda: found.now)


def notifying() -> Runs:
    """A cluster with triggers and templates of notifications."""
    return Program(cluster=FakeCluster({"configmaps": [NOTIFICATIONS], "rollouts": [NOTIFIED]}))


def nowhere() -> Runs:
    return Program()


class Case(NamedTuple):
    """A command line, and where it is run; FILE, CONFIG and FOLDER are paths of a folder."""

    line: str
    where: Callable[[], Runs]
    kinds: str
    """What it prints as JSON."""
    formats: tuple[str, ...] = ("json", "jsonl", "yaml")


def one(name: str) -> Callable[[], Runs]:
    return lambda: at(name)


RUNNING = one("plugin running")
STREAM = ("json", "jsonl")
CASES = [
    Case("get demo", RUNNING, "Rollout"),
    *(Case("get demo", one(name), "Rollout", ("json",)) for name in SCREENS),
    Case("get", RUNNING, "RolloutList"),
    Case("get --raw", RUNNING, "List", ("json",)),
    Case("get checkout search --all-contexts", two, "RolloutList"),
    Case("get demo -w", moving, "RolloutChange", STREAM),
    Case("watch demo", moving, "RolloutChange", STREAM),
    Case("list", RUNNING, "RolloutList"),
    Case("list --all-contexts", two, "RolloutList"),
    Case("set image demo '*=web:v9' --yes", RUNNING, "Changes"),
    Case("history demo", RUNNING, "RolloutHistory"),
    Case("history demo --revision 1", RUNNING, "RolloutRevision"),
    Case("diff demo", RUNNING, "TemplateDiff"),
    Case("terminate exp NAME", one("experiment"), "RunChanges", ("json", "yaml")),
    Case("terminate exp NAME", one("experiment"), "RunChange", ("jsonl",)),
    Case("scale demo --replicas 9", RUNNING, "Changes"),
    Case("list -w", moving, "RolloutRowChange", STREAM),
    Case("status demo", one("blue-green"), "RolloutRow"),
    Case("status checkout --all-contexts", two, "RolloutList"),
    *(Case("explain demo", one(name), "Explanation", ("json",)) for name in SCREENS),
    Case("explain demo", one("analysis failed"), "Explanation"),
    Case("explain checkout --all-contexts", two, "ExplanationList"),
    *(Case("fleet", one(name), "FleetSummary", ("json",)) for name in SCREENS),
    Case("fleet --all-contexts", two, "FleetSummary"),
    Case("plan FILE", nowhere, "Plan"),
    Case("plan FILES", nowhere, "PlanList", ("json",)),
    Case("promote demo --skip-step --yes", RUNNING, "Changes"),
    Case("promote demo --full --dry-run", RUNNING, "Changes"),
    Case("promote missing", RUNNING, "Changes"),
    Case("promote --group release=42 --yes --once", group, "GroupChange"),
    Case("abort demo --yes", RUNNING, "Changes"),
    Case("retry demo --yes", one("analysis failed"), "Changes"),
    Case("pause demo --yes", RUNNING, "Changes"),
    Case("resume demo --yes", one("plugin held by a person"), "Changes"),
    Case("restart demo --yes", one("healthy"), "Changes"),
    Case("undo demo --yes", one("healthy"), "Changes"),
    Case("wait demo --for phase=Progressing", RUNNING, "WaitResultList"),
    Case("doctor", examined, "Diagnosis"),
    Case("doctor --rights", examined, "Rights"),
    Case("doctor --all-contexts", examined_twice, "DiagnosisList"),
    Case("doctor --rights --all-contexts", examined_twice, "RightsList"),
    Case("notifications trigger list", notifying, "NotificationTriggerList"),
    Case("notifications trigger get on-paused", notifying, "NotificationTrigger"),
    Case("notifications trigger run on-paused web", notifying, "NotificationTriggerRun"),
    Case("notifications template list", notifying, "NotificationTemplateList"),
    Case("notifications template get plain", notifying, "NotificationTemplate"),
    Case("notifications template run plain web", notifying, "NotificationPreview"),
    Case("plugins list", RUNNING, "PluginList"),
    Case("plugins show step/e2e-test", RUNNING, "Plugin"),
    Case("plugins status", RUNNING, "PluginRunList"),
    Case("plugins list --all-contexts", two, "List", ("json", "yaml")),
    Case("plugins enable step/e2e-test-disabled --dry-run", RUNNING, "PluginSwitchPlan"),
    Case(
        "plugins disable step/e2e-test --reason why --yes --save-in-flight SAVED",
        site,
        "PluginSwitch",
    ),
    Case("lint FILE", nowhere, "LintReport", ("json", "yaml")),
    Case("lint WRONG", nowhere, "LintFinding", ("jsonl",)),
    Case("create -f FILE --dry-run", RUNNING, "Creations"),
    Case("analysis list", one("analysis failed"), "AnalysisRunList"),
    Case("analysis get NAME", one("analysis failed"), "AnalysisRun"),
    Case("analysis run -f TEMPLATE -n default", site, "AnalysisRun"),
    Case("experiment list", one("experiment"), "ExperimentList"),
    Case("experiment get NAME", one("experiment"), "Experiment"),
    Case("events web -n default", site, "EventList"),
    Case("tree web -n default", site, "Tree"),
    Case("tree checkout --all-contexts", two, "TreeList"),
    Case("logs demo", talking, "LogLineList"),
    Case("analysis logs NAME", talking, "LogLineList"),
    Case("config view", nowhere, "Configuration"),
    Case("sandbox status", nowhere, "Sandbox"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    plan = manifest([{"setWeight": 20}, {"pause": {}}, {"plugin": {"name": "acme/gate"}}])
    other = {**plan, "metadata": {"name": "other"}}
    (tmp_path / "FILE").write_text(yaml.safe_dump(plan))
    (tmp_path / "FILE.yaml").write_text(yaml.safe_dump(plan))
    (tmp_path / "WRONG.yaml").write_text(yaml.safe_dump({**plan, "spec": {}}))
    (tmp_path / "FILES.yaml").write_text(yaml.safe_dump_all([plan, other]))
    metrics = [{"name": "smoke", "provider": {"web": {"url": "http://smoke.shop"}}}]
    template = {"kind": "AnalysisTemplate", "metadata": {"name": "smoke"}}
    (tmp_path / "TEMPLATE.yaml").write_text(
        yaml.safe_dump({**template, "spec": {"metrics": metrics}})
    )
    (tmp_path / "config.toml").write_text(
        'output = "wide"\n[contexts.prod]\nread-only = true\n[aliases]\nship = "promote --wait"\n'
        '[[freeze]]\nname = "weekend"\nfrom = "Fri 16:00"\nuntil = "Mon 08:00"\n'
    )
    return tmp_path


def documents(case: Case, folder: Path, output: str) -> list[dict[str, Any]]:
    """What the command prints."""
    run = case.where()
    kind = case.line.split()[0]
    if isinstance(run, Program):
        run.env = {"ROLLOUTCTL_CONFIG": str(folder / "config.toml"), "HOME": str(folder)}
        if "NAME" in case.line:
            assert isinstance(run.cluster, FakeCluster)
            plural = "analysisruns" if kind == "analysis" else "experiments"
            name = run.cluster.objects[plural][0]["metadata"]["name"]
    words = [
        str(folder / f"{word}.yaml")
        if word in ("FILE", "FILES", "SAVED", "TEMPLATE", "WRONG")
        else name
        if word == "NAME"
        else word
        for word in shlex.split(case.line)
    ]
    result = run(*words, "-o", output)
    assert result.stdout, result.stderr
    return parsed(result.stdout, output)


def misfits(case: Case, printed: list[dict[str, Any]]) -> Iterator[str]:
    command = command_of(case)
    for each in printed:
        yield from problems(each, each.get("kind", LINES.get(command, "ChangeResult")))


def command_of(case: Case) -> str:
    """The words of the command itself."""
    words = case.line.split()
    return next(" ".join(words[:n]) for n in (1, 2, 3) if " ".join(words[:n]) in COMMANDS)


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with -o below a group, by its words."""
    for name in group.list_commands(None):
        found = group.get_command(None, name)
        words = f"{path} {name}".strip()
        if hasattr(found, "commands"):
            yield from commands(found, words)
        elif any("--output" in parameter.opts for parameter in found.params):
            yield words, found


COMMANDS = dict(commands(app.root()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line)
def test_what_is_printed_fits_its_schema(case: Case, folder: Path) -> None:
    for output in case.formats:
        printed = documents(case, folder, output)
        assert list(misfits(case, printed)) == [], output
        if output == "json":
            assert {each["kind"] for each in printed} == {case.kinds}
        if "SAVED" in case.line:
            saved = parsed((folder / "SAVED.yaml").read_text(), "json")
            assert [problems(each, "PluginRunsInFlight") for each in saved] == [[]]


def test_no_command_with_output_is_forgotten() -> None:
    shown = set(map(command_of, CASES))
    assert set(COMMANDS) - WITHOUT - FOREIGN == shown
    assert not (WITHOUT | FOREIGN) & shown


def test_every_command_with_output_takes_a_query_and_columns() -> None:
    for words, found in COMMANDS.items():
        options = {name for parameter in found.params for name in parameter.opts}
        assert {"--query", "--columns", "--no-headers"} <= options, words


def test_there_is_no_schema_of_what_nobody_prints() -> None:
    """All kinds are in a table of commands, or are what one of them has in lines."""
    lines = {"ChangeResult", "PluginRun", "Creation", "WaitResult", "AnalysisRunRow"}
    lines |= {"ExperimentRow", "Event", "LogLine", "PluginRunsInFlight", "AnalysisRunRowChange"}
    lines |= {"ExperimentRowChange"}
    assert set(schemas.kinds()) - lines == {case.kinds for case in CASES}


def test_schemas_are_schemas() -> None:
    every = schemas.schema()
    jsonschema.Draft202012Validator.check_schema(every)
    assert {*every["$defs"]} == {*schemas.shapes()}
    assert schemas.schema("RolloutList")["$defs"].keys() > {"Rollout", "RolloutRow", "PluginCall"}


def test_a_document_with_a_field_more_or_less_does_not_fit(folder: Path) -> None:
    """The check itself: a published schema lets fields be added, the test does not."""
    (document,) = documents(CASES[0], folder, "json")
    assert problems(document, "Rollout") == []
    more = copy.deepcopy(document)
    more["rollout"]["weights"]["colour"] = "red"
    assert problems(more, "Rollout") != []
    assert list(jsonschema.Draft202012Validator(schemas.schema("Rollout")).iter_errors(more)) == []
    del more["rollout"]["weights"]["colour"], more["steps"][0]["state"]
    assert problems(more, "Rollout") == ["Rollout.steps.0: 'state' is a required property"]
    document["metadata"]["createdAt"] = "yesterday"
    assert problems(document, "Rollout") == [
        "Rollout.metadata.createdAt: 'yesterday' is not a 'date-time'"
    ]
    assert closed({"properties": {}})["additionalProperties"] is False
