"""`plugins list`, `show` and `status`: what each cluster meant says of its plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.everywhere import Everywhere
from rolloutctl.cli.run import Run
from rolloutctl.cli.sources import Source, no_names
from rolloutctl.errors import ExitCode

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_use import Overview, PluginFacts
    from rolloutctl.render.documents.shapes import Document
    from rolloutctl.render.surface import Surface
    from rolloutctl.render.text import Line


class Part(NamedTuple):
    """One cluster's plugins: all that is known, and those that are asked for."""

    overview: Overview
    plugins: Sequence[PluginFacts]


class Forms(NamedTuple):
    """How a part looks: as lines (none: there is nothing to see), as documents, as names."""

    lines: Callable[[Part, Surface], list[Line]]
    documents: Callable[[Part], Iterable[Document]]
    names: Callable[[Part], Iterable[str]]


def show(
    run: Run,
    forms: Forms,
    *,
    name: str | None,
    output: str | None,
    controller_namespace: str | None,
    nothing: str = "",
) -> ExitCode:
    """Shows the plugins of that name, else all. `nothing` is said where there are no lines.

    Of several clusters each has a part of its own, and not all need to have the plugin. Raises
    what reading them raises.
    """
    from rolloutctl.actions import plugins

    def read(source: Source, wanted: str) -> Part:
        overview = plugins.overview(
            source.cluster,
            now=run.environment.now(),
            controller_namespace=controller_namespace,
            namespace=source.one_namespace,
        )
        return Part(overview, plugins.named(overview, wanted) if wanted else overview.plugins)

    parts = Everywhere(run, [name or ""], read)
    if output in (None, "wide"):
        _write_lines(run, parts, forms, nothing)
    elif output == "name":
        if parts.several:
            raise no_names()
        for _, part in parts:
            run.out("".join(f"{each}\n" for each in forms.names(part)))
    else:
        _write_documents(run, parts, forms, output)
    return parts.ended()


def _write_lines(run: Run, parts: Everywhere[Part], forms: Forms, nothing: str) -> None:
    from rolloutctl.render import narrate
    from rolloutctl.render.text import line, safe
    from rolloutctl.render.views import plugins as views
    from rolloutctl.render.views.clusters import under

    surface = run.surface()
    for index, (source, part) in enumerate(parts):
        lines = forms.lines(part, surface)
        if not lines and source.label:
            lines = [line(nothing)]
        elif not lines:
            run.note(nothing)
        state = views.state_lines(part.overview, surface)
        run.emit([*([()] if index else []), *under(source.label, lines), *state])
        for note in part.overview.notes:
            run.note([narrate.warning(surface, safe(note, 400))])


def _write_documents(run: Run, parts: Everywhere[Part], forms: Forms, output: str) -> None:
    from rolloutctl.cli.output import write
    from rolloutctl.render.documents.shapes import in_cluster

    found = (
        in_cluster(document, source.label)
        for source, part in parts
        for document in forms.documents(part)
    )
    write(run, found, output, listed="List" if parts.several else "")
