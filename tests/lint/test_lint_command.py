"""`lint` as a person or a pipeline types it."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.domain.lint.checks import lint
from rolloutctl.domain.lint.finding import Manifest, Place
from rolloutctl.domain.lint.manifests import MOST_NODES, read
from rolloutctl.domain.lint.rules import RULES
from rolloutctl.errors import ExitCode
from support.fake_cluster import FakeCluster
from support.program import Program, Result
from support.recorded import trace

ROOT = Path(__file__).parent.parent.parent
WRONG = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: checkout, namespace: shop}
spec:
  replica: 3
  selector:
    matchLabels: {app: checkout}
  template:
    metadata:
      labels: {app: checkout}
    spec:
      containers: [{name: checkout, image: "registry.example/checkout:v1"}]
  strategy:
    canary:
      stableService: stable
      steps:
      - setWeight: 40
      - setWeight: 20
      - pause: {duration: 1d}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.yaml").write_text(WRONG)
    return tmp_path


FORMATS = ["text", "json", "yaml", "jsonl", "sarif", "github"]


@pytest.mark.parametrize("form", FORMATS)
def test_formats(rolloutctl: Program, folder: Path, form: str, snapshot: Any) -> None:
    done = rolloutctl("lint", "web.yaml", "-o", form)
    assert done.exit_code is ExitCode.FAILED
    assert done.stdout == snapshot
    wanted = "1 file, 1 object: 2 errors, 1 warning, 1 note\n" if form == "text" else ""
    assert done.stderr == wanted


def test_the_recorded_invalid_spec_gets_the_controllers_message(
    rolloutctl: Program, folder: Path
) -> None:
    events = trace("invalid-spec")["watch"]
    states = [event["object"] for event in events if event["kind"] == "rollouts"]
    messages = [
        (state, condition["message"])
        for state in states
        for condition in state.get("status", {}).get("conditions", ())
        if condition["type"] == "InvalidSpec"
    ]
    state, message = messages[-1]
    manifest = {key: copy.deepcopy(state[key]) for key in ("apiVersion", "kind", "spec")}
    manifest["metadata"] = {"name": state["metadata"]["name"]}
    (folder / "bad.yaml").write_text(yaml.safe_dump(manifest))
    done = rolloutctl("lint", "bad.yaml")
    assert done.exit_code is ExitCode.FAILED
    assert message in done.stdout


def test_folders_stdin_and_files_that_refer_to_each_other(
    rolloutctl: Program, folder: Path
) -> None:
    deep = folder / "base" / "deep"
    deep.mkdir(parents=True)
    (deep / "service.json").write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "stable", "namespace": "shop"},
                "spec": {"selector": {"app": "checkout"}},
            }
        )
    )
    (folder / "notes.txt").write_text("no: manifest: at all")
    done = rolloutctl("lint", ".", "-o", "json", "--query", "findings[].rule")
    assert json.loads(done.stdout) == ["unknown-field", "weight-down", "invalid-spec"]
    rolloutctl.stdin = WRONG
    done = rolloutctl("lint", "-")
    assert "stdin:5:3: error: Rollout shop/checkout: unknown field" in done.stdout


def test_the_same_names_in_folders_of_several_environments(
    rolloutctl: Program, folder: Path
) -> None:
    for place in ("prod", "stage"):
        (folder / place).mkdir()
        service = f"apiVersion: v1\nkind: Service\nmetadata: {{name: stable, namespace: shop}}\n\
spec: {{selector: {{app: {'checkout' if place == 'prod' else 'cart'}}}}}\n"
        (folder / place / "service.yaml").write_text(service)
        (folder / place / "web.yaml").write_text(WRONG)
    done = rolloutctl("lint", "prod", "stage")
    lines = [line for line in done.stdout.splitlines() if "unmatch label" in line]
    assert [line.partition(":")[0] for line in lines] == ["stage/web.yaml"]
    assert "duplicate-object" not in done.stdout
    (folder / "prod" / "again.yaml").write_text(WRONG)
    done = rolloutctl("lint", "prod")
    assert "prod/web.yaml:3:12: warning" in done.stdout


def ignoring(text: str, **lines: str) -> str:
    for field, comment in lines.items():
        text = re.sub(rf"^(\s*- {field}:.*)$", rf"\1  # {comment}", text, flags=re.M)
    return text


def test_what_is_to_be_left_out(rolloutctl: Program, folder: Path) -> None:
    done = rolloutctl("lint", "web.yaml", "--ignore", "invalid-spec,unknown-field")
    assert done.exit_code is ExitCode.OK
    assert "weight-down" in done.stdout
    assert rolloutctl("lint", "web.yaml", "--ignore", "invalid-spec,unknown-field", "--strict")
    text = ignoring(WRONG, pause="rolloutctl-lint: ignore=invalid-spec")
    text = text.replace("  replica: 3", "  # rolloutctl-lint: ignore=unknown-field\n  replica: 3")
    (folder / "web.yaml").write_text(text)
    done = rolloutctl("lint", "web.yaml")
    assert done.exit_code is ExitCode.OK
    assert re.findall(r"\[(.*?)\]\n", done.stdout) == ["missing-service", "weight-down"]
    assert rolloutctl("lint", "web.yaml", "--strict").exit_code is ExitCode.FAILED


def against(program: Program, *argv: str, **objects: Any) -> Result:
    program.cluster = FakeCluster(objects, namespace="shop")
    return program("lint", "web.yaml", "--cluster", *argv)


def test_what_is_not_in_the_cluster_either_is_an_error(rolloutctl: Program, folder: Path) -> None:
    done = against(rolloutctl, "-o", "json", "--query", "findings[?rule=='missing-service']")
    (finding,) = json.loads(done.stdout)
    assert (finding["severity"], finding["hint"]) == ("error", None)
    service = {
        "metadata": {"name": "stable", "namespace": "shop"},
        "spec": {"selector": {"a": "b"}},
    }
    done = against(rolloutctl, services=[service])
    assert 'Service "stable" has unmatch label "a" in rollout' in done.stdout


def test_an_ingress_of_the_cluster_has_to_lead_to_the_rollout(
    rolloutctl: Program, folder: Path
) -> None:
    routed = "canary:\n      trafficRouting: {nginx: {stableIngress: web}}"
    (folder / "web.yaml").write_text(WRONG.replace("canary:", routed))
    only = ("-o", "json", "--query", "findings[?contains(message, 'ngress')]")
    (finding,) = json.loads(against(rolloutctl, *only).stdout)
    assert (finding["rule"], finding["severity"]) == ("missing-ingress", "error")
    backend = {"service": {"name": "other", "port": {"number": 80}}}
    ingress: dict[str, Any] = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"rules": [{"http": {"paths": [{"backend": backend}]}}]},
    }
    (finding,) = json.loads(against(rolloutctl, *only, ingresses=[ingress]).stdout)
    assert "ingress `web` has no rules using service stable backend" in finding["message"]
    backend["service"]["name"] = "stable"
    assert json.loads(against(rolloutctl, *only, ingresses=[ingress]).stdout) == []


def test_templates_of_templates_and_plugins_of_the_cluster(
    rolloutctl: Program, folder: Path
) -> None:
    steps = """
      - plugin: {name: shop/gat}
      - analysis:
          templates: [{templateName: smoke}]
"""
    (folder / "web.yaml").write_text(WRONG.replace("\n      - setWeight: 40\n", steps))
    inner = {"templateName": "base"}
    smoke = {"metadata": {"name": "smoke", "namespace": "shop"}, "spec": {"templates": [inner]}}
    args = [{"name": "host"}]
    metric = {"name": "up", "provider": {"web": {"url": "http://{{args.host}}"}}}
    base = {
        "metadata": {"name": "base", "namespace": "shop"},
        "spec": {"args": args, "metrics": [metric]},
    }
    config = {
        "metadata": {"name": "argo-rollouts-config", "namespace": "argo-rollouts"},
        "data": {"stepPlugins": "- name: shop/gate\n  location: https://x.example/gate\n"},
    }
    objects = {"analysistemplates": [smoke, base], "configmaps": [config]}
    done = against(rolloutctl, **objects)
    assert "args.host was not resolved" in done.stdout
    assert "plugin shop/gat not configured in configmap" in done.stdout
    assert "did you mean shop/gate?" in done.stdout


def test_what_cannot_be_checked_is_said(rolloutctl: Program, folder: Path) -> None:
    assert rolloutctl("lint").exit_code is ExitCode.USAGE
    done = rolloutctl("lint", "nowhere.yaml")
    assert (done.exit_code, "nowhere.yaml cannot be read" in done.stderr) == (ExitCode.USAGE, True)
    (folder / "other.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n")
    done = rolloutctl("lint", "other.yaml")
    assert done.exit_code is ExitCode.FAILED
    assert "nothing to check: no object of Argo Rollouts in other.yaml" in done.stderr
    assert rolloutctl("lint", "other.yaml", "--allow-empty").exit_code is ExitCode.OK
    assert rolloutctl("lint", "web.yaml", "-o", "xml").exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            "a: &a [1]\nb: &b [*a, *a]\n" + "".join(f"c{n}: &c{n} [*b, *b]\n" for n in range(3)),
            None,
        ),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "too-large",
        ),
        ("a: &a\n  b: *a\n", "too-large"),
        ("[" * 5000 + "]" * 5000, None),
        ("a: 2001-01-01\nb: 0x1F\nc: yes\nd: .inf\n", None),
        ("? {a: b}\n: c\n", None),
        ("a: !!int x\n", "syntax"),
        ("a: !!python/object:os.system x\n", None),
    ],
)
def test_odd_yaml_breaks_nothing(text: str, rule: str | None) -> None:
    manifests, findings = read(text, "odd.yaml")
    assert len(manifests) <= 1
    rules = {one.rule for one in findings}
    assert rule is None or rules == {rule}
    assert MOST_NODES > 0


def test_templates_of_helm_are_named_as_such(rolloutctl: Program, folder: Path) -> None:
    (folder / "chart.yaml").write_text("kind: Rollout\nspec:\n  {{- if .Values.x }}\n  a: 1\n")
    done = rolloutctl("lint", "chart.yaml")
    assert "this is a template of Helm" in done.stdout


def test_hostile_names_do_not_mislead(rolloutctl: Program, folder: Path) -> None:
    (folder / "web.yaml").write_text(
        WRONG.replace("name: checkout,", 'name: "x\\e[31m\\n::error::y",').replace(
            "stable\n", '"%0A::warning::z"\n', 1
        )
    )
    for form in FORMATS:
        done = rolloutctl("lint", "web.yaml", "-o", form)
        assert "\x1b" not in done.stdout
    lines = rolloutctl("lint", "web.yaml", "-o", "github").stdout.splitlines()
    assert all(re.match(r"::(error|warning|notice) file=web\.yaml,", line) for line in lines)


def test_every_rule_is_in_the_documentation() -> None:
    source = ROOT / "src" / "rolloutctl" / "domain" / "lint"
    rules: set[str] = set()
    called = r"(?:Finding|error|fault|warning|missing|_problem|Fault)"
    for file in source.glob("*.py"):
        rules |= set(re.findall(called + r'\(\s*"([a-z]+(?:-[a-z]+)+)"', file.read_text("utf-8")))
    table = (ROOT / "docs" / "lint.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.M))
    corpus = re.findall(
        r"^# expect: (\S+)",
        "".join(file.read_text() for file in (Path(__file__).parent / "bad").glob("*.yaml")),
        re.M,
    )
    assert rules | set(corpus) <= documented
    assert len(documented) >= 30


def test_the_documentation_says_what_the_rules_say() -> None:
    table = (ROOT / "docs" / "lint.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]* \| (.*?) \|", table, re.M)
    assert dict(rows) == RULES
    assert "| |" not in table, "each rule says what to do"


def rollouts(count: int) -> list[Any]:
    found = []
    for index in range(count):
        data = yaml.safe_load(WRONG.replace("checkout", f"r{index}"))
        data["spec"]["strategy"]["canary"]["stableService"] = f"s{index}"
        found.append(Manifest(data, lambda path: Place("all.yaml", 1, 1)))
    return found


def test_twice_as_many_manifests_take_twice_the_effort() -> None:
    def effort(count: int) -> int:
        made, calls = rollouts(count), 0

        def count_calls(_frame: object, event: str, _value: object) -> None:
            nonlocal calls
            calls += event == "call"

        before = sys.getprofile()
        sys.setprofile(count_calls)
        try:
            lint(made)
        finally:
            sys.setprofile(before)
        return calls

    effort(2)  # what is made once is made
    assert effort(80) < 2.3 * effort(40)


def test_a_wrong_api_version_is_found_alone(rolloutctl: Program, folder: Path) -> None:
    text = WRONG.replace("argoproj.io/v1alpha1", "argoproj/v1alpha1")
    (folder / "web.yaml").write_text(text)
    done = rolloutctl("lint", "web.yaml")
    assert done.exit_code is ExitCode.FAILED
    assert "api-version" in done.stdout and "nothing to check" not in done.stderr


def test_a_template_of_helm_that_happens_to_be_yaml_is_called_one(
    rolloutctl: Program, folder: Path
) -> None:
    text = WRONG.replace("name: checkout, namespace", "name: {{ .Values.name }}, namespace")
    (folder / "web.yaml").write_text(text)
    done = rolloutctl("lint", "web.yaml")
    assert done.exit_code is ExitCode.FAILED
    assert "a template that is not filled in" in done.stdout
    assert "helm template" in done.stdout
    assert done.stdout.count("error:") == 1, "what follows from it is not said too"


def test_a_file_that_is_no_text_is_named_and_the_others_are_looked_at(
    rolloutctl: Program, folder: Path
) -> None:
    (folder / "noise.yaml").write_bytes(b"\xff\xfe\x00name")
    done = rolloutctl("lint", ".")
    assert done.exit_code is ExitCode.FAILED
    assert "noise.yaml" in done.stdout and "it is no text in UTF-8" in done.stdout
    assert "unknown-field" in done.stdout


def test_a_rule_there_is_not_cannot_be_left_out(rolloutctl: Program, folder: Path) -> None:
    done = rolloutctl("lint", "web.yaml", "--ignore", "unknown-fild")
    assert done.exit_code is ExitCode.USAGE
    assert 'there is no rule "unknown-fild"' in done.stderr
    assert "did you mean unknown-field?" in done.stderr


def test_a_file_nested_too_deeply_is_told_in_our_words(rolloutctl: Program, folder: Path) -> None:
    (folder / "web.yaml").write_text("a: " + "[" * 5000 + "]" * 5000)
    done = rolloutctl("lint", "web.yaml")
    assert done.exit_code is ExitCode.FAILED
    assert "it is nested too deeply" in done.stdout and "recursion" not in done.stdout
