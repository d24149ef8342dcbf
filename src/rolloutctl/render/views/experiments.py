"""Experiments: as rows, and one in full with its versions, pods and analyses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rolloutctl.domain.experiments import (
    ExperimentLook,
    ExperimentRow,
    TrialAnalysis,
    Version,
)
from rolloutctl.domain.facts import PodFacts
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, pad, safe, wrap
from rolloutctl.render.views.analyses import counted, of
from rolloutctl.render.views.table import cluster_names

_ENDED = frozenset({"Successful", "Failed", "Error", "Inconclusive"})


def rows(
    items: Iterable[ExperimentRow],
    surface: Surface,
    *,
    namespaces: bool,
    wide: bool = False,
    clusters: Sequence[str] = (),
    sample: int = 200,
) -> Iterator[Line]:
    """The table, line by line as the rows come in; nothing at all without rows."""
    first = [*(["CLUSTER"] if clusters else []), *(["NAMESPACE"] if namespaces else [])]
    names = [*first, "NAME", "OF", "REVISION", "PHASE", "PODS", "DURATION", "LEFT", "AGE"]
    shown = cluster_names(clusters, surface)
    widest = max(map(len, shown.values()), default=0)

    def cells() -> Iterator[list[Piece]]:
        for row in items:
            found: list[Piece] = []
            if clusters:
                found.append(pad(shown.get(row.cluster, safe(row.cluster)), widest))
            if namespaces:
                found.append(safe(row.namespace))
            found += (
                Span(safe(row.name), "strong"),
                of(row.owner),
                str(row.revision or "-"),
                words.plugin_phase(row.phase),
                f"{row.ready}/{row.pods}",
                words.elapsed(row.duration) if row.duration is not None else "-",
                left(row, surface) or "-",
                words.age(row.created, surface.now) or "-",
            )
            if wide:
                found.append(safe(row.message, words.MESSAGE) or "-")
            yield found

    if wide:
        names.append("MESSAGE")
    yield from table(
        names,
        cells(),
        surface,
        right=frozenset({"REVISION", "PODS"}),
        drop=() if wide else ("REVISION", "DURATION"),
        flex="MESSAGE" if wide else "OF",
        sample=sample,
    )


def left(row: ExperimentRow, surface: Surface) -> str:
    """How long it still lasts, "" where nothing says."""
    return words.elapsed(row.ends - surface.now) if row.ends is not None else ""


def page(
    look: ExperimentLook,
    surface: Surface,
    *,
    missing: Sequence[tuple[str, str]] = (),
    wide: bool = False,
) -> list[Line]:
    """One experiment: when it ends, each version with its pods, each analysis."""
    result = _head(look, surface)
    for version in look.versions:
        result += [(), *_version(version, surface, wide=wide)]
    if look.analyses:
        result += [(), line(Span("Analyses", "strong"))]
        for analysis in look.analyses:
            result += wrap(_analysis(analysis), surface.room, indent=6)
    if missing:
        result.append(())
        for what, why in missing:
            text = Span(f"not shown: {safe(what)}: {safe(why, 300)}", "warn")
            result += wrap(line(text), surface.room, indent=2)
    return result


def _head(look: ExperimentLook, surface: Surface) -> list[Line]:
    row = look.row
    age = words.age(row.created, surface.now)
    facts: list[Piece | Line] = [
        Span(safe(row.name), "strong"),
        Span(safe(row.namespace), "dim"),
        words.plugin_phase(row.phase),
        *_lasts(row, surface),
        Span("told to stop" if row.terminated else "", "warn"),
    ]
    result = wrap(join(facts, "  "), surface.room, indent=2)
    if row.message:
        result += wrap(line(safe(row.message, words.MESSAGE)), surface.room, indent=2)
    more = [
        f"of {of(row.owner)}" if row.owner is not None else "standalone",
        f"revision {row.revision}" if row.revision else "",
        f"made {age} ago" if age else "",
    ]
    return [*result, *wrap(join(more, "  "), surface.room, indent=2)]


def _lasts(row: ExperimentRow, surface: Surface) -> list[Span]:
    if row.phase in _ENDED:
        if row.duration is None:
            return []
        return [Span(f"was to last {words.elapsed(row.duration)}", "dim")]
    if row.duration is None:
        return [Span("without a duration: it ends with its analyses, or is terminated", "dim")]
    length = words.elapsed(row.duration)
    if row.ends is None:
        return [Span(f"{length} once its pods are available", "dim")]
    if row.ends <= surface.now:
        return [Span(f"its {length} are over", "dim")]
    return [
        Span(f"{left(row, surface)} of {length} left", "accent"),
        Span(f"until {words.clock(row.ends, surface.now)}", "dim"),
    ]


def _version(version: Version, surface: Surface, *, wide: bool) -> Iterator[Line]:
    rs = version.replica_set
    facts: list[Piece | Line] = [
        Span("Version", "strong"),
        Span(safe(version.name), "strong"),
        words.plugin_phase(version.status),
        f"{version.ready}/{version.desired} ready",
        f"weight {version.weight}" if version.weight is not None else "",
        f"service {safe(version.service)}" if version.service else "",
    ]
    yield from wrap(join(facts, "  "), surface.room, indent=2)
    if version.message:
        yield from wrap(line(f"  {safe(version.message, words.MESSAGE)}"), surface.room, indent=4)
    if rs is None:
        yield line(Span("  no ReplicaSet", "dim"))
        return
    names = ", ".join(safe(each, 300) if wide else words.image(each) for each in rs.images)
    gone = ""
    if rs.scale_down_deadline is not None and rs.scale_down_deadline > surface.now:
        gone = f"scales down in {words.elapsed(rs.scale_down_deadline - surface.now)}"
    told = join([f"  {safe(rs.name)}", names, Span(gone, "dim")], "  ")
    yield from wrap(told, surface.room, indent=4)
    for pod in rs.pods:
        yield from wrap(_pod(pod, surface), surface.room, indent=6)


def _pod(pod: PodFacts, surface: Surface) -> Line:
    age = words.age(pod.created, surface.now)
    return join(
        [
            f"    {safe(pod.name)}",
            Span(safe(pod.state, 60) or "Unknown", "" if pod.ready else "warn"),
            Span(words.counted(pod.restarts, "restart") if pod.restarts else "", "warn"),
            Span(age, "dim"),
            safe(pod.message, words.MESSAGE),
        ],
        "  ",
    )


def _analysis(analysis: TrialAnalysis) -> Line:
    template = safe(analysis.template)
    if analysis.cluster_scope:
        template += " (of the cluster)"
    facts: list[Piece | Line] = [
        f"  {safe(analysis.name)}",
        words.plugin_phase(analysis.phase or "Pending"),
        counted(analysis.counts) if analysis.counts is not None else "",
        safe(analysis.run) or Span("not started", "dim"),
        Span(f"template {template}" if template else "", "dim"),
        Span("required for completion" if analysis.required else "", "dim"),
        safe(analysis.message, words.MESSAGE),
    ]
    return join(facts, "  ")
