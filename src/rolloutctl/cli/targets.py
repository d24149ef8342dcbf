"""Which rollouts a command acts on: those named, those selected, those of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.progress import Progress
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import MANY, Asked
from rolloutctl.errors import ClusterError, Failed, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.promotion import Check
    from rolloutctl.cli.filed import Filed
    from rolloutctl.domain.decision import Seen
    from rolloutctl.domain.fleet.entry import Entry, Keep
    from rolloutctl.domain.fleet.selectors import Selector
    from rolloutctl.domain.refs import Ref
    from rolloutctl.errors import RolloutctlError


class Targets(NamedTuple):
    """The rollouts to act on, each once. `checks` say of those selected whether they still are
    what was asked for; `unreadable` matched, but cannot be read; `done`: how many of a report were
    done already; `many`: they are told and asked about together, not one by one."""

    refs: list[Ref]
    checks: dict[Ref, Check]
    unreadable: dict[Ref, RolloutctlError]
    done: int
    many: bool

    @property
    def spread(self) -> bool:
        """Whether they are of several namespaces."""
        return len({ref.namespace for ref in (*self.refs, *self.unreadable)}) > 1


def targets(run: Run, asked: Asked, action: str) -> Targets:
    """The rollouts that the command line means. Raises UsageError, Failed when there are none and
    that is not allowed, and what the cluster raises."""
    if asked.names and asked.selected:
        raise UsageError(
            "name rollouts, or select them: not both",
            hint="-f reads names too, and goes with --selector, --phase, --plugin and --awaiting",
        )
    if not asked.names and not asked.selected:
        raise UsageError(
            "say which rollouts: NAME..., or --selector, --phase, --plugin, --awaiting or -f",
            hint=f"{asked.path} --help shows how",
        )
    if not asked.selected:
        refs = run.refs(asked.names)
        return Targets(refs, {}, {}, 0, len(refs) > MANY)
    filed = _filed(run, asked, action) if asked.filename is not None else None
    checks: dict[Ref, Check] = {}
    unreadable: dict[Ref, RolloutctlError] = {}
    if filed is not None:
        checks = {one.ref: _as_before(one.tests) for one in filed.found if one.tests}
    refs = [one.ref for one in filed.found] if filed is not None else []
    if asked.filtered and (filed is None or refs):
        refs = _selected(run, asked, None if filed is None else refs, checks, unreadable)
    found = Targets(refs, checks, unreadable, filed.done if filed is not None else 0, True)
    if not refs and not unreadable and not found.done and not asked.allow_empty:
        raise Failed(nothing(run, asked), hint="--allow-empty makes that no failure")
    return found


def nothing(run: Run, asked: Asked) -> str:
    """What is said of a selection that matches nothing."""
    if asked.filename is not None and not asked.filtered:
        name = "stdin" if asked.filename == "-" else asked.filename
        return f"{name} names no rollouts"
    namespace = run.namespace()
    where = "any namespace" if namespace is None else f"namespace {namespace}"
    what = f"no rollouts with labels {asked.selector}" if asked.selector else "no rollouts"
    others = " that match" if asked.phase or asked.plugin or asked.awaiting else ""
    return f"{what}{others} in {where}"


# --- by what they are ---------------------------------------------------------------------------


def _selected(
    run: Run,
    asked: Asked,
    among: list[Ref] | None,
    checks: dict[Ref, Check],
    unreadable: dict[Ref, RolloutctlError],
) -> list[Ref]:
    """The rollouts that pass the filters, of those in `among` where it is given."""
    from rolloutctl.actions.reading import Reading
    from rolloutctl.cli.rollouts import parse_phases
    from rolloutctl.domain.cluster import Unreadable
    from rolloutctl.domain.fleet import selectors
    from rolloutctl.domain.fleet.keeping import keep_for
    from rolloutctl.domain.refs import Ref

    keep = keep_for(parse_phases(asked.phase), asked.plugin, asked.awaiting)
    labels = selectors.parse(asked.selector)
    scopes: list[str | None] = [run.namespace()]
    if among is not None:
        scopes = list(dict.fromkeys(ref.namespace for ref in among))
    wanted = None if among is None else set(among)
    found: list[Ref] = []
    progress = Progress(run)
    for scope in scopes:
        # Read from the cluster itself: a kept list may serve to look, and not to choose by.
        for item in Reading(
            run.cluster(), scope, label_selector=asked.selector, now=run.environment.now
        ):
            if isinstance(item, Unreadable):
                ref = Ref(item.namespace, item.name)
                if wanted is None or ref in wanted:
                    unreadable[ref] = ClusterError(
                        f"it is not readable: {item.problem}", subject=str(ref)
                    )
                continue
            if (wanted is not None and item.ref not in wanted) or not (keep is None or keep(item)):
                continue
            found.append(item.ref)
            still = _still(item, keep, labels)
            before = checks.get(item.ref)
            checks[item.ref] = still if before is None else _both(before, still)
            progress.show(f"selecting: {len(found)} found", 0.0)
    progress.clear()
    if wanted is None:
        return found
    chosen = set(found)
    return [ref for ref in among or () if ref in chosen]


def _still(chosen: Entry, keep: Keep | None, labels: Selector) -> Check:
    """Whether a rollout read anew is still what it was selected for."""
    from rolloutctl.actions.promotion import LeftOut
    from rolloutctl.domain.fleet.entry import entry

    def check(seen: Seen) -> None:
        now = entry(seen.rollout)
        if now.uid != chosen.uid:
            raise LeftOut("left alone: it was deleted and made anew meanwhile")
        if not labels.matches(now.labels):
            raise LeftOut("left alone: it lost the labels that were asked for")
        if keep is not None and not keep(now):
            raise LeftOut(f"left alone: it no longer matches, it is {now.row.phase} meanwhile")

    return check


def _both(first: Check, second: Check) -> Check:
    def check(seen: Seen) -> None:
        first(seen)
        second(seen)

    return check


# --- of a file ----------------------------------------------------------------------------------


def _filed(run: Run, asked: Asked, action: str) -> Filed:
    from rolloutctl.cli import filed

    assert asked.filename is not None
    scope = filed.Scope(
        action=action,
        namespace=run.one_namespace,
        only=None if run.common.all_namespaces else run.common.namespace,
        all_namespaces=run.common.all_namespaces,
        cluster=lambda: run.cluster().name,
    )
    return filed.read(_text(run, asked.filename), scope)


def _text(run: Run, filename: str) -> str:
    name = "stdin" if filename == "-" else filename
    try:
        if filename == "-":
            if run.environment.stdin.isatty():
                run.note("reading names from the terminal, until Ctrl-D")
            return run.environment.stdin.read()
        return Path(filename).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text in UTF-8") from error


def _as_before(tests: tuple[dict[str, object], ...]) -> Check:
    """Whether all is still so as it was when the change was sent whose answer was lost."""
    from rolloutctl.actions.promotion import LeftOut

    def holds(seen: Seen, path: object, value: object) -> bool:
        return isinstance(path, str) and seen.at(path) == value

    def check(seen: Seen) -> None:
        if not all(holds(seen, test.get("path"), test.get("value")) for test in tests):
            raise LeftOut(
                "left alone: it changed since the answer was lost, so it may have been done"
            )

    return check
