"""Between the command line, the sandbox that rehearses, and the views that show a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutctl.cli.run import Run
from rolloutctl.domain.decoders import converted
from rolloutctl.errors import ExitCode, Failed, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.plan import Plan
    from rolloutctl.sandbox.rehearsal import Outcomes

Object = dict[str, Any]

SUFFIXES = (".yaml", ".yml", ".json")
_KINDS = ("ro", "rollout", "rollouts")


class Wishes(NamedTuple):
    """What the command line says of the rehearsal."""

    images: tuple[str, ...] = ()
    plugins: str = ""
    """The path of the outcome file."""
    rollout: str = ""
    replicas: int | None = None
    pod_ready: float = 0.0


class _Subject(NamedTuple):
    """One rollout to rehearse with what is known around it."""

    rollout: Object
    objects: list[Object]
    namespace: str
    not_run: dict[str, bool]
    source: str
    """The file it is from, "" for the cluster."""


def plan(run: Run, target: str, wishes: Wishes, *, output: str | None, svg: str) -> ExitCode:
    """Rehearse what `target` names, show it, and write the picture if one is wanted."""
    outcomes = _outcomes(run, wishes.plugins)
    if is_file(target):
        subjects = _from_file(run, target, wishes.rollout)
    else:
        if wishes.rollout:
            raise UsageError("--rollout chooses among those of a file; this names a rollout")
        subjects = [_from_cluster(run, target)]
    if len(subjects) > 1 and (svg or output == "svg"):
        names = ", ".join(each.rollout["metadata"].get("name", "") for each in subjects)
        raise UsageError(
            f"a picture shows one rollout, and {target} holds {len(subjects)}",
            hint=f"choose with --rollout one of {names}",
        )
    plans: list[Plan] = []
    errors: list[RolloutctlError] = []
    for subject in subjects:
        try:
            plans.append(_rehearsed(run, subject, wishes, outcomes))
        except RolloutctlError as error:
            if len(subjects) == 1:
                raise
            errors.append(error)
    _show(run, plans, output, many=len(subjects) > 1)
    if svg:
        _write_picture(run, plans[0], svg)
    return _ended(run, plans, errors)


def is_file(target: str) -> bool:
    """Whether `target` means a file: "-", a name that ends as one, a path, or what is there."""
    if target == "-" or target.endswith(SUFFIXES):
        return True
    kind, slash, _ = target.partition("/")
    if slash:
        return kind.lower() not in _KINDS
    return Path(target).is_file()


# --- what is rehearsed --------------------------------------------------------------------------


def _read(run: Run, path: str) -> str:
    if path == "-":
        return run.environment.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8") from error


def _outcomes(run: Run, path: str) -> Outcomes:
    from rolloutctl.sandbox import rehearsal

    if not path:
        return rehearsal.Outcomes()
    return rehearsal.parse_outcomes(_read(run, path), "stdin" if path == "-" else path)


def _from_file(run: Run, target: str, chosen: str) -> list[_Subject]:
    from rolloutctl.sandbox import rehearsal

    source = "stdin" if target == "-" else target
    documents = rehearsal.read(_read(run, target), source)
    rollouts = rehearsal.rollouts_of(documents)
    if not rollouts:
        kinds = ", ".join(dict.fromkeys(each["kind"] for each in documents))
        raise UsageError(
            f"{source} holds no Rollout", hint=f"it holds {kinds}" if kinds else "it holds nothing"
        )
    if chosen:
        names = [each["metadata"].get("name") for each in rollouts]
        rollouts = [each for each in rollouts if each["metadata"].get("name") == chosen]
        if not rollouts:
            listed = ", ".join(map(str, names))
            raise UsageError(f"{source} holds no rollout {chosen}", hint=f"it holds {listed}")
    namespace = run.common.namespace or "default"
    return [
        _Subject(each, documents, namespace, _not_run_in_file(documents, each), source)
        for each in rollouts
    ]


def _not_run_in_file(documents: Sequence[Object], rollout: Object) -> dict[str, bool]:
    """What the file's own argo-rollouts-config says of the plugins; nothing without one."""
    from rolloutctl.domain.plugin_config import CONFIG_MAP, parse
    from rolloutctl.sandbox.rehearsal import plugins_of

    for each in documents:
        if each["kind"] == "ConfigMap" and each["metadata"].get("name") == CONFIG_MAP:
            from rolloutctl.actions.planning import not_run_by

            data = each.get("data")
            texts = data.items() if isinstance(data, dict) else ()
            config = parse({key: text for key, text in texts if isinstance(text, str)})
            return not_run_by(config, list(plugins_of(rollout).values()))
    return {}


def _from_cluster(run: Run, name: str) -> _Subject:
    from rolloutctl.actions import planning
    from rolloutctl.render.text import safe
    from rolloutctl.sandbox import rehearsal

    (ref,) = run.refs([name])
    cluster = run.cluster()

    def missing(rollout: Object, objects: Sequence[Object]) -> Sequence[planning.Reference]:
        return rehearsal.missing(rollout, objects, ref.namespace)

    objects, unread = planning.gather(cluster, ref, missing)
    for each in unread:
        run.note(safe(f"{each.kind} {each.name} could not be read: {each.why}", 1000))
    rollout = objects[0]
    plugins = list(rehearsal.plugins_of(rollout).values())
    not_run = planning.not_run(cluster, plugins) if plugins else {}
    return _Subject(rollout, objects, ref.namespace, not_run, "")


def _rehearsed(run: Run, subject: _Subject, wishes: Wishes, outcomes: Outcomes) -> Plan:

    from rolloutctl.domain import wire
    from rolloutctl.domain.plan import Plan, Rehearsed
    from rolloutctl.domain.steps import steps_of
    from rolloutctl.sandbox import rehearsal

    cast = rehearsal.cast(
        subject.rollout,
        subject.objects,
        subject.namespace,
        images=wishes.images,
        replicas=wishes.replicas,
    )
    _check_outcomes(run, cast, outcomes, wishes.plugins)
    options = rehearsal.Options(outcomes.without(subject.not_run), wishes.pod_ready)
    try:
        facts = rehearsal.rehearse(cast, options)
    except rehearsal.Invalid as error:
        kind = UsageError if subject.source else Failed
        name = f"{cast.namespace}/{cast.rollout['metadata']['name']}"
        raise kind(str(error), subject=subject.source or name) from error
    rollout = converted(cast.rollout, wire.Rollout, strict=False)
    return Plan(converted(facts, Rehearsed), steps_of(rollout))


def _check_outcomes(run: Run, cast: Any, outcomes: Outcomes, path: str) -> None:
    """Raises UsageError for a step that is no plugin's; says which names are of nothing here."""
    import difflib

    from rolloutctl.render.text import safe
    from rolloutctl.sandbox import rehearsal

    plugins = rehearsal.plugins_of(cast.rollout)
    for index in outcomes.steps:
        if index not in plugins:
            known = ", ".join(str(each + 1) for each in plugins)
            raise UsageError(
                f"{path}: step {index + 1} is no plugin step",
                hint=f"plugins are step {known}" if known else "the rollout has no plugin steps",
            )
    for names, known_names, what in (
        (outcomes.plugins, list(plugins.values()), "no step of"),
        (outcomes.analyses, cast.analysis_names, "no analysis of"),
    ):
        for name in names:
            if name != "*" and name not in known_names:
                near = difflib.get_close_matches(name, known_names, n=1)
                meant = f"; did you mean {near[0]}?" if near else ""
                own = cast.rollout["metadata"]["name"]
                run.note(safe(f"{path}: {what} {own} is {name}{meant}", 1000))


# --- what is shown ------------------------------------------------------------------------------


def _show(run: Run, plans: list[Plan], output: str | None, *, many: bool) -> None:
    if output == "svg":
        from rolloutctl.render.pictures import plan as pictures

        run.out(pictures.svg(plans[0]))
    elif output is None:
        from rolloutctl.render.views import plan as views

        for index, each in enumerate(plans):
            lines = views.lines(each, run.surface())
            run.emit([(), *lines] if index else lines)
    else:
        from rolloutctl.cli.output import write
        from rolloutctl.render.documents import plan as documents

        items = (documents.document(each) for each in plans)
        write(run, items, output, listed="PlanList" if many else "")


def _write_picture(run: Run, plan: Plan, path: str) -> None:
    from rolloutctl.render.pictures import plan as pictures
    from rolloutctl.render.text import safe

    try:
        Path(path).write_text(pictures.svg(plan), encoding="utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    run.note(safe(f"wrote {path}", 0))


def _ended(run: Run, plans: list[Plan], errors: list[RolloutctlError]) -> ExitCode:
    from rolloutctl.domain.plan import Ending

    for error in errors:
        run.fail(error)
    if errors:
        codes = {error.exit_code for error in errors}
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED
    good = all(each.rehearsed.result is Ending.PROMOTED for each in plans)
    return ExitCode.OK if good else ExitCode.FAILED
