"""What is about to be shipped, told before a person says yes."""

from __future__ import annotations

from collections.abc import Callable

from rolloutctl.domain.facts import AnalysisFacts, MetricFacts, PodFacts
from rolloutctl.domain.shipping import Shipping
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, safe, wrap

_NAMED = 3
Tell = Callable[..., None]


def lines(found: Shipping, surface: Surface, *, ships: bool) -> list[Line]:
    """Images, pods, analysis; `ships`: this version goes out, else it is left."""
    result: list[Line] = []

    def tell(*pieces: Piece) -> None:
        result.extend(wrap(narrate.detail(surface, *pieces), surface.room, indent=4))

    if ships and (found.images_from or found.images_to):
        to = found.images_to or found.images_from
        tell("ships ", words.images(found.images_from, to, surface))
    revision = f"revision {found.revision}" if found.revision else "it"
    if found.desired is not None:
        _pods(found, revision, tell)
    for run in found.running:
        tell(f"analysis {safe(run.name)} is {safe(run.phase, 40) or 'not begun'}")
    for run, metric in found.failing[:_NAMED]:
        tell(Span(_failing(run, metric), "bad"))
    _more(len(found.failing) - _NAMED, "metric", tell)
    if found.not_read:
        tell(Span(f"not known: {', '.join(map(safe, found.not_read))} may not be read", "warn"))
    return result


def _pods(found: Shipping, revision: str, tell: Tell) -> None:
    text = f"{revision} has {found.ready} of {words.counted(found.desired or 0, 'pod')} ready"
    restarts = f", {words.counted(found.restarts, 'restart')}" if found.restarts else ""
    bad = found.unready or found.ready < (found.desired or 0)
    tell(Span(text, "bad" if bad else ""), Span(restarts, "warn"))
    for pod in found.unready[:_NAMED]:
        tell(Span(_pod(pod), "bad"))
    _more(len(found.unready) - _NAMED, "pod", tell)


def _pod(pod: PodFacts) -> str:
    restarts = f", {words.counted(pod.restarts, 'restart')}" if pod.restarts else ""
    message = safe(pod.message, 200)
    said = f": {message}" if message else ""
    return f"pod {safe(pod.name)} is not ready: {safe(pod.state, 60)}{restarts}{said}"


def _failing(run: AnalysisFacts, metric: MetricFacts) -> str:
    counts = [
        words.counted(count, what)
        for count, what in (
            (metric.failed, "failed measurement"),
            (metric.error, "error"),
            (metric.inconclusive, "inconclusive one"),
        )
        if count
    ]
    told = f" ({', '.join(counts)})" if counts else ""
    message = safe(metric.message, 200)
    said = f": {message}" if message else ""
    phase = safe(metric.phase, 40) or "Pending"
    return f"metric {safe(metric.name)} of {safe(run.name)} is {phase}{told}{said}"


def _more(count: int, what: str, tell: Tell) -> None:
    if count > 0:
        tell(f"and {words.counted(count, what)} more")
