"""Who uses analysis templates, and what each use puts together.

Source: argo-rollouts, utils/analysis/helpers.go (merging of templates, arguments and rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from rolloutctl.domain.lint.finding import Manifest, Path
from rolloutctl.domain.lint.known import known
from rolloutctl.domain.lint.reading import inside, is_of_rollouts, mapping, objects, text
from rolloutctl.domain.wire import Json

TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")


class Reference(msgspec.Struct, frozen=True):
    """A template somebody names, and where."""

    name: str
    cluster: bool
    path: Path

    @property
    def kind(self) -> str:
        return TEMPLATES[self.cluster]


class Use(msgspec.Struct, frozen=True):
    """One analysis that a Rollout or an Experiment runs.

    `path` is where the analysis stands, `reported` the field the controller names when the
    analysis of a rollout is invalid ("" where it has no such message). `args` are the arguments
    given, each with its path. `ended`: somebody else ends it, so its metrics need no end.
    `called` is the name of an Experiment's analysis.
    """

    owner: Manifest
    path: Path
    references: tuple[Reference, ...]
    args: tuple[tuple[Path, Json], ...]
    rules: tuple[tuple[str, Path, Json], ...] = ()
    """(list, path, rule): what it adds to the rules of the templates."""
    reported: str = ""
    ended: bool = False
    called: str = ""


class Merged(msgspec.Struct, frozen=True):
    """The templates of a use, each once, with those they are made of; the cluster's come last."""

    templates: tuple[Manifest, ...]
    missing: tuple[Reference, ...]

    def all(self, field: str) -> Iterator[tuple[Manifest, int, Json]]:
        """The items of a list of their specs: (whose, index, item)."""
        for template in self.templates:
            for index, each in objects(template.data, "spec", field):
                yield template, index, each


def uses(manifest: Manifest) -> Iterator[Use]:
    """The analyses a manifest asks for."""
    if is_of_rollouts(manifest, "Experiment"):
        yield from _of_experiment(manifest, ("spec",))
    elif is_of_rollouts(manifest, "Rollout"):
        yield from _of_rollout(manifest)


def _of_rollout(rollout: Manifest) -> Iterator[Use]:
    strategy = ("spec", "strategy")
    for key in ("prePromotionAnalysis", "postPromotionAnalysis"):
        yield from _analysis(rollout, (*strategy, "blueGreen", key))
    yield from _analysis(rollout, (*strategy, "canary", "analysis"), ended=True)
    steps = rollout.at(*strategy, "canary", "steps")
    for index, _ in objects({"steps": steps}, "steps"):
        step = (*strategy, "canary", "steps", index)
        yield from _analysis(rollout, (*step, "analysis"))
        if rollout.at(*step, "experiment") is not None:
            yield from _of_experiment(rollout, (*step, "experiment"))


def _analysis(rollout: Manifest, path: Path, *, ended: bool = False) -> Iterator[Use]:
    found = rollout.at(*path)
    if not isinstance(found, dict):
        return
    yield Use(
        rollout,
        path,
        tuple(_references(found, path)),
        tuple(((*path, "args", index), each) for index, each in objects(found, "args")),
        tuple(_rules(found, path)),
        reported=f"{dotted(path)}.templates",
        ended=ended,
    )


def _of_experiment(owner: Manifest, path: Path) -> Iterator[Use]:
    spec = owner.at(*path)
    for index, each in objects(spec, "analyses"):
        here = (*path, "analyses", index)
        name = text(each, "templateName")
        cluster = inside(each, "clusterScope") is True
        reference = Reference(name, cluster, (*here, "templateName"))
        yield Use(
            owner,
            here,
            (reference,) if name else (),
            tuple(((*here, "args", at), given) for at, given in objects(each, "args")),
            tuple(_rules(mapping(spec), path)),
            ended=inside(each, "requiredForCompletion") is not True
            and bool(text(spec, "duration")),
            called=text(each, "name"),
        )


def _rules(spec: Json, path: Path) -> Iterator[tuple[str, Path, Json]]:
    for field in ("dryRun", "measurementRetention"):
        for index, rule in objects(spec, field):
            yield field, (*path, field, index), rule


def _references(spec: Json, path: Path) -> Iterator[Reference]:
    for index, each in objects(spec, "templates"):
        name = text(each, "templateName")
        if name:
            cluster = inside(each, "clusterScope") is True
            yield Reference(name, cluster, (*path, "templates", index, "templateName"))


def references_of(template: Manifest) -> tuple[Reference, ...]:
    """The templates a template is made of."""
    return tuple(_references(mapping(template.data, "spec"), ("spec",)))


def merged(
    references: Sequence[Reference], namespace: str, manifests: Sequence[Manifest]
) -> Merged:
    """What references lead to, through templates of templates; each once."""
    found: dict[tuple[bool, str], Manifest] = {}
    missing: list[Reference] = []
    waiting = list(references)
    while waiting:
        reference = waiting.pop(0)
        key = (reference.cluster, reference.name)
        if key in found:
            continue
        template = find(reference, namespace, manifests)
        if template is None:
            missing.append(reference)
            continue
        found[key] = template
        waiting = [*references_of(template), *waiting]
    ordered = sorted(found, key=lambda key: key[0])
    return Merged(tuple(found[key] for key in ordered), tuple(missing))


def find(reference: Reference, namespace: str, manifests: Sequence[Manifest]) -> Manifest | None:
    """The template meant, None if it is not among the manifests; one without a namespace is of
    any."""
    for each in known(manifests).called(reference.kind, reference.name):
        if not is_of_rollouts(each, reference.kind):
            continue
        if reference.cluster or not namespace or each.namespace in ("", namespace):
            return each
    return None


def together(template: Manifest, manifests: Sequence[Manifest]) -> Sequence[Merged]:
    """What a template is put together with: by each who uses it, else by itself."""
    users = known(manifests).derive(_users)
    found: list[Merged] = []
    seen = {id(template)}
    waiting = [(template.kind, template.name)]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if id(user) in seen:
                continue
            seen.add(id(user))
            wholes = [merged(use.references, user.namespace, manifests) for use in uses(user)]
            if is_of_rollouts(user, *TEMPLATES):
                wholes.append(whole(user, manifests))
                waiting.append((user.kind, user.name))
            found += [one for one in wholes if any(each is template for each in one.templates)]
    return found or (whole(template, manifests),)


def whole(manifest: Manifest, manifests: Sequence[Manifest]) -> Merged:
    """A template or a run with all it is made of."""
    found = merged(references_of(manifest), manifest.namespace, manifests)
    rest = tuple(each for each in found.templates if each is not manifest)
    return Merged((manifest, *rest), found.missing)


def _users(manifests: Sequence[Manifest]) -> dict[tuple[str, str], list[Manifest]]:
    """By kind and name of a template, who names it."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for each in manifests:
        named = [one for use in uses(each) for one in use.references]
        if is_of_rollouts(each, *TEMPLATES):
            named += references_of(each)
        for key in {(one.kind, one.name) for one in named}:
            found.setdefault(key, []).append(each)
    return found


def dotted(path: Path) -> str:
    """A path as the controller writes it: "spec.strategy.canary.steps[0].analysis"."""
    said = ""
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
    return said
