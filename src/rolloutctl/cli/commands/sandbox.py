"""`rolloutctl sandbox`: the embedded cluster as a process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolloutctl.cli import sandbox_loading
from rolloutctl.cli import sandbox_options as options
from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.shells import ShellKind
from rolloutctl.errors import ExitCode, Failed, UsageError

if TYPE_CHECKING:
    from rolloutctl.sandbox.process import Up
    from rolloutctl.sandbox.state import Place, Record

app = new_app(no_args_is_help=True)
group(app)

_FLAGS = {
    "port": "--port",
    "speed": "--speed",
    "plugins": "--plugin",
    "pod_ready_delay": "--pod-ready-delay",
    "max_requests_per_second": "--max-requests-per-second",
}
"""The option of each field of `state.Options`."""


def _place(run: Run, name: str) -> Place:
    from rolloutctl.sandbox import state

    return state.place(run.environment.env, name)


def _running(run: Run, name: str) -> tuple[Place, Record]:
    """The sandbox that runs. Raises Failed when there is none."""
    from rolloutctl.sandbox import process

    place = _place(run, name)
    record = process.find(place)
    if record is None:
        raise Failed("no sandbox is running", hint="rolloutctl sandbox up starts one")
    return place, record


@command(app)
def up(
    ctx: typer.Context,
    port: options.PORT = None,
    speed: options.SPEED = None,
    plugin: options.PLUGIN = None,
    load_: options.LOAD = None,
    pod_ready_delay: options.POD_READY_DELAY = None,
    max_requests_per_second: options.MAX_REQUESTS = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in this terminal until Ctrl-C.")
    ] = False,
    name: options.NAME = "default",
) -> None:
    """Start the sandbox, or find the one that runs.

    It is a process of its own that serves the Kubernetes API on a loopback port, in memory, with
    a simulated Argo Rollouts controller and a fake Jenkins. Its kubeconfig lies in
    $XDG_STATE_HOME/rolloutctl/sandbox; ~/.kube/config is never touched.

    \b
    Examples:
      rolloutctl sandbox up
      rolloutctl sandbox up --load checkout-canary --speed 5
      rolloutctl sandbox up --plugin gate.py:Gate
      rolloutctl sandbox up --max-requests-per-second 5
      rolloutctl sandbox up --foreground
    """
    from rolloutctl.sandbox import process
    from rolloutctl.sandbox.plugins.loader import Spec
    from rolloutctl.sandbox.state import Options

    run = Run.of(ctx)
    if speed is not None and not 0.01 <= speed <= 1000:
        raise UsageError("--speed is from 0.01 to 1000", hint="--speed 10 runs ten times as fast")
    wanted: dict[str, Any] = {
        "port": port,
        "speed": speed,
        "plugins": tuple(str(Spec.parse(text)) for text in plugin) if plugin else None,
        "pod_ready_delay": pod_ready_delay,
        "max_requests_per_second": max_requests_per_second,
    }
    wanted = {key: value for key, value in wanted.items() if value is not None}
    chosen = Options(**wanted)
    requests = list(sandbox_loading.requests(run, load_ or ()))
    place = _place(run, name)
    if foreground:
        from rolloutctl.sandbox import serve

        def ready(record: Record) -> None:
            _started(run, place, record, name)
            sandbox_loading.load_aside(run, record, requests)

        serve.foreground(place, chosen, ready)
        run.note("the sandbox has ended")
        return
    found = process.up(place, chosen, wanted)
    if not found.started:
        _found(run, found, bool(load_), name)
        return
    _started(run, place, found.record, name)
    sandbox_loading.load(run, found.record, requests)


def _started(run: Run, place: Place, record: Record, name: str) -> None:
    from rolloutctl.cli import shells

    speed = record.options.speed
    pace = "as fast as time" if speed == 1 else f"{speed:g} times as fast as time"
    shell = shells.current(run.environment.env)
    of = "" if name == "default" else f" --name {name}"
    run.out(
        f"sandbox started: process {record.pid}\n"
        f"  API server  {record.url}\n"
        f"  kubeconfig  {place.kubeconfig}\n"
        f"  Jenkins     {record.side_url}/jenkins\n"
        f"  clock       {pace}\n"
        f"use it:  {shells.evaluate(shell, f'rolloutctl sandbox env{of}')}\n"
        f"end it:  rolloutctl sandbox down{of}\n"
    )


def _found(run: Run, found: Up, loads: bool, name: str) -> None:
    record = found.record
    run.out(f"the sandbox runs already: process {record.pid}, {record.url}")
    given = [_FLAGS[field] for field in found.differing]
    if loads:
        given.append("--load")
    if given:
        of = "" if name == "default" else f" --name {name}"
        hint = f"rolloutctl sandbox down{of} first" + (
            ", or rolloutctl sandbox load to load into it" if loads else ""
        )
        run.note(f"not applied to it: {', '.join(given)} ({hint})")


@command(app)
def down(ctx: typer.Context, name: options.NAME = "default") -> None:
    """End the sandbox and remove its kubeconfig.

    Everything in it is gone with it; its logs stay until the next one starts. Where none runs,
    that is said, and is no error.

    \b
    Examples:
      rolloutctl sandbox down
    """
    from rolloutctl.sandbox import process

    run = Run.of(ctx)
    ended = process.down(_place(run, name))
    if ended.pid is None:
        run.out("no sandbox is running" + ("; its stale files are removed" if ended.stale else ""))
    elif ended.killed:
        run.out(f"sandbox ended (process {ended.pid} did not end by itself and was killed)")
    else:
        run.out(f"sandbox ended (process {ended.pid})")


@command(app)
def status(ctx: typer.Context, output: options.OUTPUT = "", name: options.NAME = "default") -> None:
    """Say whether a sandbox runs, how its controller and its Jenkins are, and what it holds.

    That none runs is an answer, not a failure: the exit code is 0, and -o json has "running".

    \b
    Examples:
      rolloutctl sandbox status
      rolloutctl sandbox status -o json
    """
    from rolloutctl.cli.output import write
    from rolloutctl.render.views import sandbox as view
    from rolloutctl.sandbox import process

    if output not in ("", "json", "yaml", "jsonl"):
        raise UsageError(
            f"there is no output format {output!r} here", hint="known: json, yaml, jsonl"
        )
    run = Run.of(ctx)
    record = _place(run, name).read()
    facts = process.status(record) if record is not None else None
    if output:
        document = {"apiVersion": "rolloutctl/v1", "kind": "Sandbox", "running": facts is not None}
        document |= facts or {}
        write(run, [document], output)
    elif facts is None:
        run.out("no sandbox is running (rolloutctl sandbox up starts one)")
    else:
        run.emit(view.status(facts))


@command(app)
def env(
    ctx: typer.Context,
    shell: Annotated[
        ShellKind | None,
        typer.Option("--shell", help="Notation; else that of $SHELL.", show_default=False),
    ] = None,
    unset: Annotated[
        bool, typer.Option("--unset", help="Print what takes it back instead.")
    ] = False,
    name: options.NAME = "default",
) -> None:
    """Print what makes this shell's kubectl and rolloutctl talk to the sandbox.

    \b
    Examples:
      eval "$(rolloutctl sandbox env)"
      eval "$(rolloutctl sandbox env --unset)"
      rolloutctl sandbox env --shell fish | source
      rolloutctl sandbox env --shell powershell | Out-String | Invoke-Expression
    """
    from rolloutctl.cli import shells

    run = Run.of(ctx)
    kind = shell or shells.current(run.environment.env)
    if unset:
        run.out(shells.remove(kind, "KUBECONFIG"))
        return
    place, _ = _running(run, name)
    run.out(shells.assign(kind, "KUBECONFIG", str(place.kubeconfig)))


@command(app)
def kubeconfig(
    ctx: typer.Context,
    raw: Annotated[bool, typer.Option("--raw", help="Its content, token included.")] = False,
    name: options.NAME = "default",
) -> None:
    """Print the path of the sandbox's kubeconfig.

    \b
    Examples:
      kubectl --kubeconfig "$(rolloutctl sandbox kubeconfig)" get rollouts -A
      rolloutctl sandbox kubeconfig --raw
    """
    run = Run.of(ctx)
    place, _ = _running(run, name)
    run.out(place.kubeconfig.read_text(encoding="utf-8") if raw else str(place.kubeconfig))


@command(app)
def load(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENARIO|FILE",
            help="Scenarios (rolloutctl sandbox scenarios), or YAML or JSON files; - is stdin.",
            show_default=False,
        ),
    ],
    name: options.NAME = "default",
) -> None:
    """Load scenarios or files into the running sandbox.

    A scenario starts at its start, whatever was there, and is loaded when it is where its
    description says. The objects of a file are created, or merged into those that exist, in the
    namespace they name, else in that of -n; a scenario goes to the namespace of -n as a whole.

    By number come fleet:N (a large fleet), crowd:N (one full namespace), live:N (rollouts that wait
    for a promotion), and for a fleet churn:RATE[:SECONDS] and deployments:N[:RATE] (changes).

    \b
    Examples:
      rolloutctl sandbox load checkout-canary
      rolloutctl sandbox load rollout.yaml service.yaml -n shop
      rolloutctl sandbox load fleet:2000
      rolloutctl sandbox load churn:200:30
      kubectl get rollout checkout -o yaml | rolloutctl sandbox load -
    """
    run = Run.of(ctx)
    requests = list(sandbox_loading.requests(run, what))
    _, record = _running(run, name)
    sandbox_loading.load(run, record, requests)


@command(app)
def logs(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    controller: Annotated[
        bool, typer.Option("--controller", help="The controllers' log instead.")
    ] = False,
    tail: Annotated[int, typer.Option("--tail", metavar="N", min=0, help="How many lines.")] = 50,
    name: options.NAME = "default",
) -> ExitCode | None:
    """Print the log of the sandbox's process, or of its controllers.

    \b
    Examples:
      rolloutctl sandbox logs
      rolloutctl sandbox logs --controller -f
    """
    from rolloutctl.render.text import safe
    from rolloutctl.sandbox import log_files

    run = Run.of(ctx)
    place = _place(run, name)
    path = place.controller_log if controller else place.log
    if not path.exists():
        raise Failed("there is no log yet", hint="rolloutctl sandbox up starts a sandbox")
    with contextlib.closing(log_files.follow(path)) as added:
        lines = log_files.tail(path, tail)
        if lines:
            run.out("\n".join(safe(text, 0) for text in lines))
        if not follow:
            return None
        for text in added:
            run.out(safe(text, 0))
    return None


@command(app)
def scenarios(ctx: typer.Context) -> None:
    """List the scenarios that can be loaded.

    \b
    Examples:
      rolloutctl sandbox scenarios
    """
    from rolloutctl.render.views import sandbox as view
    from rolloutctl.sandbox.scenarios import catalogue

    Run.of(ctx).emit(view.scenarios(catalogue.descriptions()))


@command(app)
def jenkins(
    ctx: typer.Context,
    mode: Annotated[
        str,
        typer.Argument(metavar="up|slow|failing|down", help="How it shall be.", show_default=False),
    ],
    name: options.NAME = "default",
) -> None:
    """Turn the switch of the sandbox's Jenkins, which demo/jenkins-gate asks.

    slow: builds started from now on take ten times as long. failing: builds that end from now on
    have failed. down: every request to it is answered with 503; its builds go on.

    \b
    Examples:
      rolloutctl sandbox jenkins down
      rolloutctl sandbox jenkins up
    """
    from rolloutctl.sandbox import process
    from rolloutctl.sandbox.plugins.jenkins import Mode

    run = Run.of(ctx)
    if mode not in set(Mode):
        raise UsageError(f"Jenkins cannot be {mode!r}", hint=f"known: {', '.join(Mode)}")
    _, record = _running(run, name)
    process.switch_jenkins(record, mode)
    run.out(f"Jenkins is {mode}")
