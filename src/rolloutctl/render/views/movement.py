"""What changed between two pictures of a rollout, and lines for it where nothing can be redrawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rolloutctl.domain.facts import ServiceFacts
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.steps import StepState
from rolloutctl.domain.tree import ReplicaSetFacts, RolloutPicture, RolloutRow
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, safe
from rolloutctl.render.views.steps import place
from rolloutctl.render.views.table import step_cell


class Movement(NamedTuple):
    """One thing that changed: `what` ("phase", "step", "plugin", …), a text before and after.

    `of` says which one where there are several (a plugin step, a ReplicaSet). `before` is "" for
    what was not there.
    """

    what: str
    before: str
    after: str
    of: str = ""
    style: str = ""


def movements(before: RolloutPicture | None, now: RolloutPicture) -> list[Movement]:
    """What changed since `before`, most important first; without it, where the rollout stands."""
    found = [
        _changed("image", _images(before), _images(now)),
        _changed("revision", _revision(before), _revision(now)),
        _phases(before, now),
        _changed("step", _step(before), _step(now)),
        *_plugins(before, now),
        _changed("weight", _weight(before), _weight(now)),
        *_services(before, now),
        _changed("routes", _routes(before), _routes(now)),
        *_pods(before, now),
    ]
    return [item for item in found if item is not None]


def lines(
    before: RolloutPicture | None, now: RolloutPicture, surface: Surface, *, note: str = ""
) -> list[Line]:
    """A line per movement: time, rollout, what changed; with `note`, that as a line instead."""
    stamp = Span(f"{surface.now:%H:%M:%S}Z  ", "dim")
    name = Span(f"{safe(now.ref.namespace)}/{safe(now.ref.name)}  ", "strong")
    if note:
        return [line(stamp, name, Span(note, "warn"))]
    return [line(stamp, name, *_said(item, surface)) for item in movements(before, now)]


def _said(item: Movement, surface: Surface) -> list[Piece]:
    what = f"{item.what} {item.of}" if item.of else item.what
    if not item.before:
        return [f"{what}: ", Span(item.after, item.style)]
    return [f"{what}: {item.before} {surface.symbols.arrow} ", Span(item.after, item.style)]


def _changed(
    what: str, before: str | None, now: str, *, of: str = "", style: str | None = ""
) -> Movement | None:
    if before == now or (not now and not before):
        return None
    return Movement(what, before or "", now or "none", of, style or "")


def _revision(picture: RolloutPicture | None) -> str:
    return str(picture.revision) if picture is not None and picture.revision else ""


def _images(picture: RolloutPicture | None) -> str:
    return ", ".join(words.image(item) for item in picture.images_to) if picture else ""


def _phases(before: RolloutPicture | None, now: RolloutPicture) -> Movement | None:
    status = now.status
    old = before.status if before is not None else None
    if old is not None and (old.phase, old.message, old.awaiting) == (
        status.phase,
        status.message,
        status.awaiting,
    ):
        return None
    style = words.PHASE_STYLE.get(status.phase, "")
    after = words.phase(status.phase).text
    if status.message:
        after += f" ({safe(status.message, 1000)})"
    waits = words.awaiting(status)
    if waits:
        after += f", {waits}"
    earlier = old.phase if old is not None and old.phase != status.phase else ""
    return Movement("phase", words.phase(earlier).text if earlier else "", after, "", style)


def _step(picture: RolloutPicture | None) -> str:
    if picture is None or not picture.steps:
        return ""
    current = next((item for item in picture.steps if item.state is StepState.CURRENT), None)
    at = f" ({words.step(current.step)})" if current is not None else ""
    return f"{place(picture)}{at}"


def _plugins(before: RolloutPicture | None, now: RolloutPicture) -> Iterable[Movement | None]:
    old: dict[int, PluginRun] = {}
    for item in before.steps if before is not None else ():
        if item.plugin is not None:
            old[item.index] = item.plugin
    for item in now.steps:
        run = item.plugin
        if run is None:
            continue
        was = old.get(item.index)
        of = f"{safe(run.name)} (step {item.index + 1})"
        style = words.PLUGIN_STYLE.get(run.phase, "")
        yield _changed("plugin", _plugin(was), _plugin(run), of=of, style=style)
        for kind, earlier, call in (
            ("terminate", was.terminate if was else None, run.terminate),
            ("abort", was.abort if was else None, run.abort),
        ):
            if call is not None and call != earlier:
                said = f"{safe(call.phase, 40)} {safe(call.message, 1000)}".rstrip()
                yield Movement(kind, "", said, of, words.PLUGIN_STYLE.get(call.phase, ""))


def _plugin(run: PluginRun | None) -> str:
    if run is None:
        return ""
    if run.disabled:
        return "disabled, passed over"
    if not run.phase:
        return ""
    parts = [safe(run.phase, 40)]
    if run.executions:
        parts.append(words.calls(run.executions))
    if run.message:
        parts.append(f'"{safe(run.message, 1000)}"')
    return ", ".join(parts)


def _weight(picture: RolloutPicture | None) -> str:
    if picture is None or picture.strategy != "canary":
        return ""
    weights = picture.weights
    if picture.status.fully_promoted:
        return "100 %"
    value = weights.actual if weights.set is None else weights.set
    return "" if value is None else f"{value} %"


def _services(before: RolloutPicture | None, now: RolloutPicture) -> Iterable[Movement | None]:
    old = {service.name: service for service in _all_services(before)}
    for service in _all_services(now):
        was = old.get(service.name)
        # A revision that becomes known is no change.
        if was is None or was.hash != service.hash:
            earlier = _selects(was) if was is not None else ""
            yield _changed("service", earlier, _selects(service), of=safe(service.name))


def _all_services(picture: RolloutPicture | None) -> list[ServiceFacts]:
    found = picture.blue_green if picture is not None else None
    if found is None:
        return []
    return [item for item in (found.active, found.preview) if item is not None]


def _selects(service: ServiceFacts) -> str:
    if not service.hash:
        return ""
    return f"revision {service.revision}" if service.revision else f"hash {safe(service.hash)}"


def _routes(picture: RolloutPicture | None) -> str:
    return ", ".join(safe(route.name) for route in picture.routes) if picture is not None else ""


def _pods(before: RolloutPicture | None, now: RolloutPicture) -> Iterable[Movement | None]:
    old = {item.name: item for item in before.replica_sets} if before is not None else {}
    for item in now.replica_sets:
        was = old.get(item.name)
        if was is None and not item.desired and not item.current:
            continue
        role = "/".join(sorted(item.role)) or f"revision {item.revision}"
        yield _changed("pods", _ready(was), _ready(item), of=f"{role} {safe(item.name)}")
        yield from _broken(was, item)


def _ready(item: ReplicaSetFacts | None) -> str:
    return "" if item is None else f"{item.ready} of {item.desired} ready"


def _broken(before: ReplicaSetFacts | None, now: ReplicaSetFacts) -> Iterable[Movement]:
    old = {pod.name: pod.state for pod in before.pods} if before is not None else {}
    for pod in now.pods:
        if not pod.ready and pod.state not in ("Pending", "Running", "ContainerCreating"):
            was = old.get(pod.name, "")
            if was != pod.state:
                yield Movement("pod", safe(was, 60), safe(pod.state, 60), safe(pod.name), "warn")


def row_line(row: RolloutRow, surface: Surface, *, deleted: bool = False) -> Line:
    """One row of a followed list as a line of its own."""
    head = [
        Span(f"{surface.now:%H:%M:%S}Z", "dim"),
        *([Span(safe(row.cluster, 300))] if row.cluster else []),
        Span(f"{safe(row.ref.namespace)}/{safe(row.ref.name)}", "strong"),
    ]
    if deleted:
        return join([*head, Span("gone", "warn")], "  ")
    weight = "" if row.weight is None else f"weight {row.weight}"
    step = step_cell(row)
    return join(
        [
            *head,
            words.phase(row.phase),
            Span("waits for a person" if row.awaiting is not None else "", "wait"),
            step if step.text != "-" else Span(""),
            weight,
            f"ready {row.ready}/{row.desired}",
            words.tags(row.images_from, row.images_to, surface),
        ],
        "  ",
    )
