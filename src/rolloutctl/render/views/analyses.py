"""Analysis runs: as rows, and one in full with each measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rolloutctl.domain.analyses import (
    ArgumentLook,
    Counts,
    MetricLook,
    Owner,
    RunLook,
    RunRow,
    Tried,
)
from rolloutctl.domain.explain.facts import Limit, Measured, MetricEvidence
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.spark import spark
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, pad, safe, wrap
from rolloutctl.render.views.table import cluster_names

_RIGHT = frozenset({"REVISION"})
_LABEL = 10
"""Cells of the words before what a metric asks, wants and allows."""
_QUERY = 4000
_LIMITS = (
    (Limit.FAILURE, "failed", "failed", "failure_limit"),
    (Limit.INCONCLUSIVE, "inconclusive", "inconclusive", "inconclusive_limit"),
    (Limit.ERROR, "errors in a row", "consecutive_error", "consecutive_error_limit"),
)


# --- rows ---------------------------------------------------------------------------------------


def rows(
    items: Iterable[RunRow],
    surface: Surface,
    *,
    namespaces: bool,
    wide: bool = False,
    clusters: Sequence[str] = (),
    sample: int = 200,
) -> Iterator[Line]:
    """The table, line by line as the rows come in; nothing at all without rows."""
    first = [*(["CLUSTER"] if clusters else []), *(["NAMESPACE"] if namespaces else [])]
    names = [*first, "NAME", "OF", "TYPE", "REVISION", "PHASE", "METRICS", "AGE"]
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
                type_of(row),
                str(row.revision or "-"),
                words.plugin_phase(row.phase),
                counted(row.counts) or "-",
                words.age(row.created, surface.now) or "-",
            )
            if wide:
                found += (took(row, surface) or "-", safe(row.message, words.MESSAGE) or "-")
            yield found

    if wide:
        names += ["TOOK", "MESSAGE"]
    yield from table(
        names,
        cells(),
        surface,
        right=_RIGHT,
        drop=() if wide else ("REVISION", "TYPE"),
        flex="MESSAGE" if wide else "METRICS",
        sample=sample,
    )


def of(made_by: Owner | None) -> str:
    """What an object belongs to: "rollout/checkout", "-"."""
    return f"{safe(made_by.kind.lower(), 60)}/{safe(made_by.name)}" if made_by is not None else "-"


def type_of(row: RunRow) -> str:
    """ "step 3", "background"."""
    kind = safe(row.type, 40)
    return f"{kind} {row.step_index + 1}" if row.step_index is not None else kind


def counted(counts: Counts) -> str:
    """How measurements ended: "3 ok, 1 failed"; "" before the first."""
    return ", ".join(
        f"{count:,} {word}"
        for count, word in (
            (counts.successful, "ok"),
            (counts.failed, "failed"),
            (counts.inconclusive, "inconclusive"),
            (counts.error, "error" if counts.error == 1 else "errors"),
            (counts.dry_run, "dry run"),
        )
        if count
    )


def took(row: RunRow, surface: Surface) -> str:
    """How long it ran, or has been running; "" before it began."""
    if row.started_at is None:
        return ""
    return words.elapsed((row.completed_at or surface.now) - row.started_at)


# --- one in full --------------------------------------------------------------------------------


def page(look: RunLook, surface: Surface, *, wide: bool = False) -> list[Line]:
    """One run: what it is of, what it was given, and every metric with what it measured."""
    result = [*_head(look, surface)]
    if look.arguments:
        result += [(), line(Span("Arguments", "strong"))]
        column = max(len(safe(entry.name)) for entry in look.arguments)
        for entry in look.arguments:
            text = line(f"  {pad(safe(entry.name), column)}  ", argument_value(entry))
            result += wrap(text, surface.room, indent=column + 4)
    for metric in look.metrics:
        result += [(), *_metric(metric, surface, wide=wide)]
    if not look.metrics:
        result += [(), line(Span("no metrics", "dim"))]
    return result


def argument_value(entry: ArgumentLook) -> Span:
    """The value of an argument, or where it comes from."""
    if entry.value is not None:
        return Span(safe(entry.value, words.MESSAGE) or '""')
    return Span(f"from {safe(entry.source)}" if entry.source else "no value", "dim")


def _head(look: RunLook, surface: Surface) -> list[Line]:
    row = look.row
    ran = took(row, surface)
    facts: list[Piece | Line] = [
        Span(safe(row.name), "strong"),
        Span(safe(row.namespace), "dim"),
        words.plugin_phase(row.phase),
        Span(f"{'after' if row.completed_at else 'for'} {ran}" if ran else "", "dim"),
        Span("told to stop" if row.terminated else "", "warn"),
    ]
    result = wrap(join(facts, "  "), surface.room, indent=2)
    if row.message:
        result += wrap(line(safe(row.message, words.MESSAGE)), surface.room, indent=2)
    revision = f"revision {row.revision}" if row.revision else ""
    made_by = f"of {of(row.owner)}" if row.owner is not None else ""
    age = words.age(row.created, surface.now)
    facts = [made_by, type_of(row), revision, f"made {age} ago" if age else ""]
    return [*result, *wrap(join(facts, "  "), surface.room, indent=2)]


def _metric(metric: MetricLook, surface: Surface, *, wide: bool) -> Iterator[Line]:
    found = metric.evidence
    head: list[Piece | Line] = [
        Span("Metric", "strong"),
        Span(safe(found.name), "strong"),
        words.plugin_phase(found.phase or "Pending"),
        Span("dry run: it does not count for the run" if metric.dry_run else "", "warn"),
    ]
    yield from wrap(join(head, "  "), surface.room, indent=2)
    asked = safe(" ".join(part for part in (found.provider, found.query) if part), _QUERY)
    where = Span(f"at {safe(found.address, 300)}" if found.address else "", "dim")
    yield from _field(surface, "asks", *join([asked, where], "  "))
    yield from _field(surface, "when", ", ".join(_pace(metric)))
    yield from _field(surface, "wants", safe(found.success_condition, _QUERY))
    yield from _field(surface, "fails if", safe(found.failure_condition, _QUERY))
    yield from _field(surface, "counts", *_against_limits(metric))
    yield from _field(surface, "said", safe(found.message, words.MESSAGE))
    if surface.terminal:
        numbers = [item.number for item in found.measurements]
        yield from _field(
            surface, "curve", Span(spark(numbers, surface, line=found.threshold), "accent")
        )
    yield from _measurements(metric, surface, wide=wide)


def _pace(metric: MetricLook) -> Iterator[str]:
    found = metric.evidence
    if found.count_limit is not None:
        yield "once" if found.count_limit == 1 else f"{found.count_limit:,} times"
    else:
        yield "as long as the run goes on"
    if found.interval:
        yield f"every {safe(found.interval, 60)}"
    if metric.initial_delay:
        yield f"first after {safe(metric.initial_delay, 60)}"


def _against_limits(metric: MetricLook) -> Line:
    """ "3 ok, 2 failed (1 allowed), 0 inconclusive (0 allowed)": what counts against what."""
    found = metric.evidence
    parts: list[Piece | Line] = [f"{found.successful:,} ok"]
    for limit, word, field, limit_field in _LIMITS:
        count, allowed = getattr(found, field), getattr(found, limit_field)
        told = f"{count:,} {word} ({_allowed(allowed)})"
        style = "bad" if found.passed is limit else "" if count else "dim"
        parts.append(Span(told, style))
    if found.error:
        parts.append(f"{words.counted(found.error, 'error')} in all")
    if metric.consecutive_success_limit is not None:
        enough = metric.consecutive_success_limit
        parts.append(f"{metric.consecutive_success:,} ok in a row ({enough:,} end it)")
    return join(parts, ", ")


def _allowed(limit: int | None) -> str:
    if limit is None:
        return "limit unknown"
    return "any number allowed" if limit < 0 else f"{limit:,} allowed"


def _measurements(metric: MetricLook, surface: Surface, *, wide: bool) -> Iterator[Line]:
    found = metric.evidence
    if not found.measurements:
        yield from _field(surface, "got", Span("nothing yet", "dim"))
        return
    left = found.count + found.error - len(found.measurements)
    if left > 0:
        yield from _field(surface, "got", Span(f"{left:,} earlier, no longer kept", "dim"))
    tried = [*metric.tried, *[Tried()] * len(found.measurements)]
    for number, (item, more) in enumerate(zip(found.measurements, tried, strict=False)):
        label = "got" if not number and left <= 0 else ""
        yield from _field(surface, label, *measured(item, more, surface, wide=wide))


def measured(item: Measured, more: Tried, surface: Surface, *, wide: bool = False) -> Line:
    """One measurement: "0.97  Successful  14:03:11  message"."""
    at = item.at
    lasted = ""
    if wide and more.started_at is not None and more.finished_at is not None:
        lasted = f"took {words.elapsed(more.finished_at - more.started_at)}"
    facts: list[Piece | Line] = [
        Span(safe(item.value, 200), "strong"),
        words.plugin_phase(item.phase or "Running"),
        Span(words.clock(at, surface.now) if at is not None else "", "dim"),
        Span(lasted, "dim"),
        Span(f"job {safe(more.job)}" if more.job else "", "dim"),
        safe(item.message, words.MESSAGE),
    ]
    return join(facts, "  ")


def came(metric: MetricEvidence, item: Measured, surface: Surface) -> Line:
    """A new measurement of a run that is followed."""
    found = measured(item, Tried(), surface)
    return join([Span(safe(metric.name), "strong"), found], "  ")


def _field(surface: Surface, label: str, *pieces: Piece) -> Iterator[Line]:
    """ "  wants     result >= 0.95"; nothing for nothing."""
    content = line(*pieces)
    if content:
        head = Span(f"  {label:<{_LABEL - 1}} ")
        yield from wrap((head, *content), surface.room, indent=_LABEL + 2)
