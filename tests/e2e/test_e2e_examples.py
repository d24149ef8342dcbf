"""The examples of every help text work, as they stand there, on a sandbox."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
import yaml

from rolloutctl.cli.manual import tree
from rolloutctl.errors import ExitCode
from support.program import Program, Result
from support.shell import ROLLOUTCTL, Ended, Shell

pytestmark = pytest.mark.e2e

STATE_FOR = {
    "retry": "aborted",
    "promote checkout --skip-step": "plugin-gate-running",
    "watch checkout --until healthy": "healthy",
    "status checkout --wait": "healthy",
    "wait checkout --for healthy": "healthy",
}
"""The scenario an example is about; else one that waits at its pause."""
CHANGES = ("promote", "abort", "retry", "pause", "resume", "restart", "undo", "set")
SELECTED = (" -A", " -n payments", " --selector")
"""Examples that select what is not there."""
FOR_EVER = (
    "get checkout -w",
    "watch checkout",
    "watch checkout -o jsonl",
    "fleet -l tier=web -w",
    "analysis list -w",
    "experiment list -w",
    "experiment get price-trial -w",
    "logs checkout -f --tail 20",
    "events checkout -w",
    "list -A --plugin",
)
"""What goes on until somebody ends it; here --timeout does."""
ELSEWHERE = (
    "rolloutctl demo",  # test_e2e_demo
    "rolloutctl dashboard",  # tests/tui, test_e2e_dashboard_web: it needs a terminal, or a browser
    "rolloutctl sandbox up --",  # tests/sandbox/process: this one runs already
    "rolloutctl sandbox down",
    "rolloutctl sandbox load rollout.yaml",
    "rolloutctl sandbox load fleet",
    "rolloutctl sandbox load churn",  # tests/sandbox/process/test_sandbox_made
    "rolloutctl sandbox logs --controller -f",
    "rolloutctl completion zsh >",  # its folder is a variable of zsh's own
)


ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: checkout}
spec:
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec:
      containers: [{name: app, image: shop/checkout:v1}]
  strategy:
    canary:
      steps: [{setWeight: 20}, {plugin: {name: team/gate}}, {pause: {}}]
"""
SIMPLE = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: shop/web:v1}]
  strategy: {canary: {}}
"""
DEPLOYMENT = (
    SIMPLE.replace("argoproj.io/v1alpha1", "apps/v1")
    .replace("kind: Rollout", "kind: Deployment")
    .replace("  strategy: {canary: {}}\n", "")
)
SMOKE = """
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: smoke}
spec:
  args: [{name: url, value: "http://smoke.shop"}]
  metrics: [{name: up, provider: {web: {url: "{{args.url}}"}}}]
"""
JOB = """{job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never,
      containers: [{name: smoke, image: "shop/smoke:v1"}]}}}}}"""
RUNS = f"""
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: probe}}
spec: {{metrics: [{{name: smoke, provider: {JOB}}}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {{name: checkout-smoke}}
spec: {{metrics: [{{name: smoke, provider: {JOB}}}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {{name: price-trial}}
spec:
  templates:
  - name: new
    selector: {{matchLabels: {{trial: new}}}}
    template:
      metadata: {{labels: {{trial: new}}}}
      spec: {{containers: [{{name: app, image: "shop/checkout:v2"}}]}}
"""
NOTIFICATIONS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argo-rollouts-notification-configmap, namespace: argo-rollouts}
data:
  trigger.on-rollout-completed: "- send: [rollout-completed]"
  trigger.on-paused: |
    - when: rollout.status?.phase == 'Paused'
      send: [rollout-completed]
  template.rollout-completed: "message: Rollout {{.rollout.metadata.name}} is completed."
"""


def examples() -> list[str]:
    """Every line below "Examples:" in the help of a command."""
    found = []
    for node in tree():
        block = (node.command.help or "").partition("Examples:")[2]
        found += [line.strip() for line in block.splitlines() if line.strip()]
    return found


def runnable() -> list[str]:
    lines = [line for line in examples() if not line.startswith(ELSEWHERE)]
    return [line for line in lines if "| source" not in line and "Invoke-Expression" not in line]


@pytest.fixture(scope="module")
def stage(
    hasty_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, Shell]]:
    """The program in this process and a shell, on a sandbox where checkout and cart run."""
    folder = tmp_path_factory.mktemp("examples")
    env = {**hasty_env, "KUBECONFIG": str(folder / "config")}
    contexts(Path(hasty_env["KUBECONFIG"]), folder / "config", "prod-eu", "prod-us")
    program = Program(env=env)
    source = resources.files("rolloutctl.sandbox") / "scenarios" / "paused" / "checkout.yaml"
    cart = folder / "cart.yaml"
    cart.write_text(
        source.read_text()
        .replace("checkout", "cart")
        .replace("namespace: shop", "namespace: default")
    )
    (folder / "rollout.yaml").write_text(ROLLOUT)
    (folder / "notifications.yaml").write_text(NOTIFICATIONS)
    (folder / "runs.yaml").write_text(RUNS)
    done = program("sandbox", "load", str(folder / "runs.yaml"), "-n", "default")
    assert done.exit_code == ExitCode.OK, done.stderr
    done = program("sandbox", "load", str(folder / "notifications.yaml"))
    assert done.exit_code == ExitCode.OK, done.stderr
    (folder / "manifests").mkdir()
    (folder / "manifests" / "web.yaml").write_text(ROLLOUT.replace("checkout", "search"))
    (folder / "web.yaml").write_text(SIMPLE)
    (folder / "smoke.yaml").write_text(SMOKE)
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    (folder / "outcomes.yaml").write_text("team/gate: {duration: 5m}\n")
    done = program("sandbox", "load", str(cart), "-n", "default")
    assert done.exit_code == ExitCode.OK, done.stderr
    path = f"{Path(ROLLOUTCTL).parent}:{hasty_env['PATH']}"
    yield program, Shell({**env, "PATH": path}, folder)


def contexts(source: Path, target: Path, *names: str) -> None:
    """A kubeconfig with more names for its one context."""
    config = yaml.safe_load(source.read_text())
    context = config["contexts"][0]["context"]
    config["contexts"] += [{"name": name, "context": context} for name in names]
    target.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("example", runnable())
def test_an_example_works(
    stage: tuple[Program, Shell], example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, shell = stage
    monkeypatch.chdir(shell.folder)
    command = example.removeprefix("rolloutctl ")
    state = next((v for k, v in STATE_FOR.items() if command.startswith(k)), "paused")
    (shell.folder / "left.txt").write_text("# what was not done\ndefault/checkout\n")
    named = "checkout" in example or "left.txt" in example
    if named or command.startswith(("get", "list", "plugins status")):
        place = () if "-n shop" in example else ("-n", "default")
        assert program("sandbox", "load", state, *place).exit_code == ExitCode.OK
    if command.startswith("retry experiment"):
        assert program("terminate", "exp/price-trial", "--wait").exit_code == ExitCode.OK
    if command.startswith("resume"):
        assert program("pause", "checkout").exit_code == ExitCode.OK
    if command.startswith(CHANGES) and any(where in command for where in SELECTED):
        command += " --yes --allow-empty"
    elif command.startswith("undo") and "--yes" not in command:
        command += " --yes"
    if command.startswith(("plugins disable", "plugins enable")) and "--yes" not in command:
        command += " --yes"
    done: Result | Ended
    expected = ExitCode.OK
    if not example.startswith("rolloutctl ") or "|" in example or ">" in example:
        for tool in ("kubectl", "jq", "kustomize", "bash"):
            if tool in [*shlex.split(example), "bash"] and shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        done = shell.run(
            "bash", "-euo", "pipefail", "-c", example.replace("> ~/.config/fish/completions", "> .")
        )
        code = done.code
    else:
        if command in FOR_EVER or command.startswith(FOR_EVER[-1]):
            command += " --timeout 300ms"
            expected = ExitCode.TIMEOUT
        done = program(*shlex.split(command))
        code = done.exit_code
    assert code == expected, done.stdout + done.stderr
