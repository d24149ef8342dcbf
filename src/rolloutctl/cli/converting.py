"""Between the command line and manifests that are made into those of another kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutctl.cli.run import Run
from rolloutctl.domain.cluster import DEPLOYMENTS, ROLLOUTS, Kind
from rolloutctl.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.converting import Remark, Strategy

SUFFIXES = (".yaml", ".yml", ".json")
_WORDS = {
    "Deployment": ("deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"),
    "Rollout": ("ro", "rollout", "rollouts", "rollout.argoproj.io", "rollouts.argoproj.io"),
}


class Wishes(NamedTuple):
    """What becomes of a Deployment."""

    strategy: Strategy
    workload_ref: bool = False
    scale_down: str = "never"


class Manifests(NamedTuple):
    """What was read: documents that can be changed, and the text they came from ("" for none)."""

    documents: list[Any]
    text: str


def from_deployment(run: Run, target: str, wishes: Wishes, *, output: str | None) -> ExitCode:
    """Shows Rollouts for the Deployments that `target` names."""
    from rolloutctl.domain import converting

    found = _read(run, target, "Deployment", DEPLOYMENTS, output)
    deployments = [
        each for each in _objects(found.documents) if converting.is_of(each, "Deployment")
    ]
    strategies = [
        (each, _with_service(wishes.strategy, each, found.documents)) for each in deployments
    ]
    remarks: list[Remark] = []
    if wishes.workload_ref:
        rollouts: list[Any] = []
        for each, strategy in strategies:
            rollout, said = converting.referring(_plain(each), strategy, wishes.scale_down)
            rollouts.append(rollout)
            remarks += said
        _show(run, Manifests(rollouts, ""), remarks, output)
        return ExitCode.OK
    for each, strategy in strategies:
        remarks += converting.to_rollout(each, strategy)
    remarks += _scalers(found.documents, deployments, back=False)
    _show(run, found, remarks, output)
    return ExitCode.OK


def from_rollout(run: Run, target: str, *, output: str | None) -> ExitCode:
    """Shows Deployments for the Rollouts that `target` names."""
    from rolloutctl.domain import converting

    found = _read(run, target, "Rollout", ROLLOUTS, output)
    rollouts = [each for each in _objects(found.documents) if converting.is_of(each, "Rollout")]
    remarks: list[Remark] = []
    kept = list(found.documents)
    for each in rollouts:
        workload = converting.workload_of(each)
        if workload is None:
            remarks += converting.to_deployment(each)
            continue
        deployment = _workload(run, workload, found, from_file=bool(found.text), rollout=each)
        remarks += converting.standing_alone(deployment, each)
        kept = [one for one in kept if one is not each]
        if not any(one is deployment for one in _objects(kept)):
            kept.append(deployment)
    remarks += _scalers(kept, rollouts, back=True)
    _show(run, Manifests(kept, found.text), remarks, output)
    return ExitCode.OK


# --- reading ------------------------------------------------------------------------------------


def _read(run: Run, target: str, kind: str, resource: Kind, output: str | None) -> Manifests:
    if not _is_file(target, kind):
        return Manifests([_from_cluster(run, target, kind, resource)], "")
    from rolloutctl.cli import round_trip
    from rolloutctl.cli.creating import texts
    from rolloutctl.domain.converting import is_of

    if target != "-" and Path(target).is_dir():
        raise UsageError(f"{target} is a folder", hint="name one file of it")
    ((source, text),) = texts(run, [target], recursive=False)
    if output == "json":
        # Comments do not matter there, and "yes" is what a server takes it for.
        from rolloutctl.domain.lint.manifests import read

        manifests, findings = read(text, source)
        if findings:
            at, said = findings[0].place, findings[0].message
            raise UsageError(f"{source} is no YAML: line {at.line}: {said}", subject=source)
        documents: list[Any] = [each.data for each in manifests]
    else:
        documents = round_trip.load(text, source)
    if not any(is_of(each, kind) for each in _objects(documents)):
        kinds = dict.fromkeys(
            str(each.get("kind")) for each in _objects(documents) if isinstance(each, Mapping)
        )
        held = ", ".join(kinds)
        raise UsageError(
            f"{source} holds no {kind}", hint=f"it holds {held}" if held else "it holds nothing"
        )
    return Manifests(documents, text)


def _is_file(target: str, kind: str) -> bool:
    """Whether `target` means a file: "-", a name that ends as one, a path, or what is there."""
    if target == "-" or target.endswith(SUFFIXES):
        return True
    word, slash, _ = target.partition("/")
    if slash:
        return word.lower() not in _WORDS[kind]
    return Path(target).is_file()


def _from_cluster(run: Run, target: str, kind: str, resource: Kind) -> Any:
    if run.common.all_namespaces:
        raise UsageError(
            f"a {kind.lower()} cannot be named across all namespaces",
            hint="leave out -A, or name its namespace with -n",
        )
    name = target.rpartition("/")[2]
    return json.loads(run.cluster().get_raw(resource, run.one_namespace(), name))


def _workload(
    run: Run,
    workload: tuple[str, str],
    found: Manifests,
    *,
    from_file: bool,
    rollout: Mapping[str, Any],
) -> Any:
    """The Deployment a rollout takes its template from. Raises UsageError, NotFound."""
    kind, name = workload
    if kind != "Deployment":
        raise UsageError(
            f"the rollout's template is in {kind.lower()} {name}, and that is no Deployment",
            hint="write the template into the rollout first",
        )
    if not from_file:
        namespace = rollout["metadata"].get("namespace") or run.one_namespace()
        return json.loads(run.cluster().get_raw(DEPLOYMENTS, namespace, name))
    from rolloutctl.domain.converting import is_of

    for each in _objects(found.documents):
        if is_of(each, "Deployment") and each.get("metadata", {}).get("name") == name:
            return each
    raise NotFound(
        f"the rollout's template is in deployment {name}, and the file does not hold that",
        hint=f"rolloutctl convert rollout {rollout['metadata'].get('name')} takes both of the"
        " cluster",
    )


def _objects(documents: Sequence[Any]) -> Iterator[Any]:
    """The documents, those of Lists one by one."""
    for each in documents:
        items = each.get("items") if isinstance(each, Mapping) else None
        if isinstance(items, list) and str(each.get("kind", "")).endswith("List"):
            yield from _objects(items)
        elif isinstance(each, MutableMapping):
            yield each
        else:
            raise UsageError("a document is no object")


def _with_service(strategy: Strategy, deployment: Any, documents: Sequence[Any]) -> Strategy:
    """The strategy with the only Service beside the Deployment that selects its pods."""
    import msgspec

    if not strategy.blue_green or strategy.active_service:
        return strategy
    labels = _at(deployment, "spec", "template", "metadata", "labels") or {}
    names = [
        str(_at(each, "metadata", "name"))
        for each in _objects(documents)
        if each.get("kind") == "Service"
        and (selector := _at(each, "spec", "selector"))
        and all(labels.get(key) == value for key, value in selector.items())
    ]
    if len(names) != 1:
        return strategy
    return msgspec.structs.replace(strategy, active_service=names[0])


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _scalers(documents: Sequence[Any], converted: Sequence[Any], *, back: bool) -> Iterator[Remark]:
    from rolloutctl.domain.converting import retarget

    names = frozenset(str(each["metadata"]["name"]) for each in converted)
    for each in _objects(documents):
        remark = retarget(each, names, back=back)
        if remark is not None:
            yield remark


# --- showing ------------------------------------------------------------------------------------


def _plain(data: Any) -> Any:
    """The same without comments, as JSON has it."""
    return json.loads(json.dumps(data, default=str))


def _show(run: Run, found: Manifests, remarks: Sequence[Remark], output: str | None) -> None:
    from rolloutctl.cli.output import write
    from rolloutctl.render import serialize
    from rolloutctl.render.views import converting as views

    for remark in remarks:
        run.note(views.remark(remark, run.surface()))
    if output in ("json", "jsonl"):
        plain = [_plain(each) for each in found.documents]
        whole = (
            plain[0] if len(plain) == 1 else {"apiVersion": "v1", "kind": "List", "items": plain}
        )
        write(run, [whole], output)
    elif found.text:
        from rolloutctl.cli import round_trip

        run.out(round_trip.dump(found.documents, found.text))
    else:
        writer: Callable[[Any], str] = serialize.to_yaml
        run.out("---\n".join(writer(_plain(each)) for each in found.documents))
