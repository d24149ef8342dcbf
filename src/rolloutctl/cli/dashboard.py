"""What the dashboard is made of: the clusters that are meant, and the rules of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.auditing import Recorder
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.decision import Action, Decision
    from rolloutctl.domain.plugin_change import Plan
    from rolloutctl.domain.plugin_use import RunOf
    from rolloutctl.domain.refs import Ref
    from rolloutctl.tui.setup import Setup


@dataclass(frozen=True)
class Asked:
    """What is shown at first."""

    query: str
    selector: str
    fresh: bool


def show(run: Run, asked: Asked) -> ExitCode:
    """Runs the dashboard until it is left. Raises UsageError without a terminal."""
    from rolloutctl.cli.dashboard_web import end_with_the_server, served

    environment = run.environment
    on_terminal = environment.stdin.isatty() and environment.stderr.isatty()
    if served(environment.env):
        end_with_the_server()
    elif not on_terminal:
        raise UsageError(
            "the dashboard needs a terminal",
            hint="rolloutctl fleet and rolloutctl list -w print what it shows; --web serves it",
        )
    # (Textual draws on stderr, so that is what has to be one.)
    found = setup(run, asked)
    from rolloutctl.tui.app import Dashboard

    app = Dashboard(found)
    with run.drawn():
        app.run()
    if app.fault is not None:
        raise app.fault  # the error boundary says it in our words, without a traceback
    return ExitCode.OK


def setup(run: Run, asked: Asked) -> Setup:
    """What the dashboard is given. Raises UsageError, and what opening the only cluster raises."""
    from rolloutctl.actions.fleet import Member
    from rolloutctl.cli.sources import sources
    from rolloutctl.cli.warm import check, snapshots
    from rolloutctl.domain.fleet.query import parse
    from rolloutctl.tui.setup import Setup

    environment = run.environment
    check(asked.selector)
    parse(asked.query)
    # A fleet is everything, unless one namespace is named.
    run.common.all_namespaces = run.common.all_namespaces or not run.common.namespace
    members: list[Member] = []
    broken: dict[str, str] = {}
    listed = sources(run)
    for source in listed:
        try:
            cluster = source.cluster
        except RolloutctlError as error:
            if len(listed) == 1:
                raise
            broken[source.label] = error.message
            continue
        kept = snapshots(run, cluster, fresh=asked.fresh)
        members.append(Member(source.label, cluster, source.namespace, kept))
    names = {member.label: member.cluster.name for member in members}

    def frozen(
        label: str, action: Action, decisions: Mapping[Ref, Decision]
    ) -> Mapping[Ref, RolloutctlError]:
        from rolloutctl.cli import freezing

        shipped = freezing.shipped(decisions)
        return freezing.frozen(run, action, shipped, names.get(label, label))

    def recorder(cluster: Cluster, reason: str) -> Recorder | None:
        if run.settings.of("record", cluster.name) is False:
            return None
        from rolloutctl.actions.auditing import Recorder

        return Recorder(cluster, reason=reason, clock=environment.now)

    def keep(plan: Plan, runs: Sequence[RunOf], place: str) -> str:
        from rolloutctl.cli.switching import keep_in_flight

        return keep_in_flight(run, plan, runs, place)

    return Setup(
        members=members,
        broken=broken,
        label_selector=asked.selector,
        query=asked.query,
        now=environment.now,
        frozen=frozen,
        save_in_flight=keep,
        recorder=recorder,
        read_only=lambda label: run.read_only(names.get(label, label)),
        confirm=lambda label: run.settings.of("confirm", names.get(label, label)) or "",
    )
