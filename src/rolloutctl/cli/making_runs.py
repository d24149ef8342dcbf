"""`analysis run`: from templates to a run in the cluster, and to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.output import write
from rolloutctl.cli.rollouts import surface_of
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Failed, Interrupted, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.analyses import RunLook
    from rolloutctl.domain.making_runs import Template
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.wire import Json
    from rolloutctl.errors import RolloutctlError

RESOURCE = "analysisrun.argoproj.io"


class Asked(NamedTuple):
    """The command line. `dry_run`: "", "client" or "server"."""

    files: Sequence[str]
    templates: Sequence[str]
    cluster_templates: Sequence[str]
    arguments: Sequence[str]
    name: str = ""
    generate_name: str = ""
    instance_id: str = ""
    dry_run: str = ""
    wait: bool = False
    timeout: float | None = None
    output: str | None = None


def make(run: Run, asked: Asked) -> ExitCode:
    """Makes the run, and with `wait` follows it to its end.

    Raises UsageError, NotFound, Conflict, Failed (it failed), Timeout (it did not end in time, or
    inconclusively, so that a person has to decide), Interrupted, and what the cluster raises.
    """
    from rolloutctl.actions import making_runs as actions
    from rolloutctl.domain.making_runs import analysis_run, parse_arguments, whole

    if asked.name and asked.generate_name:
        raise UsageError("--name and --generate-name do not go together")
    if asked.timeout is not None and not asked.wait:
        raise UsageError("--timeout needs --wait")
    given = parse_arguments(asked.arguments)
    namespace = run.one_namespace()
    templates = list(_templates(run, asked, namespace))
    if not templates:
        raise UsageError(
            "say what to run: -f FILE, --from TEMPLATE, or --from-cluster TEMPLATE",
            hint="rolloutctl analysis run --help shows how",
        )
    cluster = run.cluster()
    templates = whole(
        templates,
        lambda of_cluster, name: actions.template(cluster, namespace, name, of_cluster=of_cluster),
    )
    made = analysis_run(
        templates,
        given,
        namespace=namespace,
        name=asked.name,
        generate_name=asked.generate_name,
        instance_id=asked.instance_id,
    )
    if asked.dry_run == "client":
        _show_manifest(run, made, asked.output)
        return ExitCode.OK
    look = actions.create(cluster, made, dry_run=bool(asked.dry_run))
    if asked.dry_run or not asked.wait:
        _show_created(run, look, asked)
        return ExitCode.OK
    return _followed(run, look, asked)


def _templates(run: Run, asked: Asked, namespace: str) -> Iterator[Template]:
    from rolloutctl.actions.making_runs import template

    yield from _of_files(run, asked.files)
    for name in asked.templates:
        yield template(run.cluster(), namespace, name, of_cluster=False)
    for name in asked.cluster_templates:
        yield template(run.cluster(), namespace, name, of_cluster=True)


def _of_files(run: Run, files: Sequence[str]) -> Iterator[Template]:
    """The templates of files, each of one document or several. Raises UsageError."""
    import yaml

    from rolloutctl.cli.creating import texts
    from rolloutctl.domain.making_runs import KINDS, Template

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for called, text in texts(run, files, recursive=False):
        try:
            documents = [each for each in yaml.load_all(text, Loader=loader) if each is not None]
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            first = str(error).replace("\n", " ")
            raise UsageError(f"{called} is no YAML: {first}") from error
        if not documents:
            raise UsageError(f"{called} holds no template")
        for document in documents:
            kind = document.get("kind") if isinstance(document, dict) else None
            if kind not in KINDS:
                raise UsageError(
                    f"{called} holds {kind or 'something without a kind'}, and runs are made of"
                    f" {' and '.join(KINDS)}",
                    hint="rolloutctl create -f creates an AnalysisRun as it is written",
                )
            template = Template(document, "")
            if not template.name:
                raise UsageError(f"{called} holds a {kind} without a name")
            yield Template(document, f"{kind} {template.name}")


def _show_manifest(run: Run, made: Json, output: str | None) -> None:
    if output == "name":
        metadata = made["metadata"]
        run.out(f"{RESOURCE}/{metadata.get('name') or metadata['generateName'] + '*'}")
        return
    write(run, [made], output if output in ("json", "jsonl") else "yaml")


def _show_created(run: Run, look: RunLook, asked: Asked) -> None:
    from rolloutctl.render import narrate
    from rolloutctl.render.documents import runs as documents
    from rolloutctl.render.text import safe

    row = look.row
    if asked.output == "name":
        run.out(f"{RESOURCE}/{row.name}")
    elif asked.output in ("json", "yaml", "jsonl"):
        write(run, [documents.run(look)], asked.output)
    else:
        done = "would be created, the server says" if asked.dry_run else "created"
        run.emit([narrate.done(run.surface(), f"{safe(row.namespace)}/{safe(row.name)} {done}")])
        if not asked.dry_run:
            run.note(f"  rolloutctl analysis get {row.name} -n {row.namespace} shows how it stands")


def _followed(run: Run, look: RunLook, asked: Asked) -> ExitCode:
    from rolloutctl.actions.making_runs import Came, watch
    from rolloutctl.cli.listing_runs import tell_connection
    from rolloutctl.domain.analyses import FINAL, RunLook
    from rolloutctl.domain.refs import Ref
    from rolloutctl.render.views import analyses as views

    ref = Ref(look.row.namespace, look.row.name)
    run.note(f"{ref} created")
    try:
        for told in watch(run.cluster(), ref, timeout=asked.timeout or None):
            if isinstance(told, Came):
                run.note([views.came(told.metric, told.measured, run.surface())])
            elif isinstance(told, RunLook):
                look = told
            else:
                tell_connection(run, told)
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped waiting for {ref}: it goes on",
            hint=f"rolloutctl analysis get {ref.name} -n {ref.namespace} shows how it stands",
        ) from None
    _show_ended(run, look, asked.output)
    if look.row.phase == "Successful":
        return ExitCode.OK
    ended = look.row.phase in FINAL
    raise _not_successful(look, ref, asked.timeout, ended=ended)


def _show_ended(run: Run, look: RunLook, output: str | None) -> None:
    from rolloutctl.render.documents import runs as documents
    from rolloutctl.render.views import analyses as views

    if output == "name":
        run.out(f"{RESOURCE}/{look.row.name}")
    elif output in ("json", "yaml", "jsonl"):
        write(run, [documents.run(look)], output)
    else:
        run.emit(views.page(look, surface_of(run, run.cluster()), wide=output == "wide"))


def _not_successful(
    look: RunLook, ref: Ref, timeout: float | None, *, ended: bool
) -> RolloutctlError:
    from rolloutctl.render.text import safe

    phase = safe(look.row.phase, 40)
    if not ended:
        return Timeout(
            f"{ref} is still {phase} after {timeout or 0:g} s, and goes on",
            subject=str(ref),
            hint=f"rolloutctl analysis get {ref.name} -n {ref.namespace} shows how it stands",
        )
    said = f": {safe(look.row.message, 600)}" if look.row.message else ""
    if look.row.phase == "Inconclusive":
        return Timeout(f"{ref} ended Inconclusive{said}: a person has to decide", subject=str(ref))
    return Failed(f"{ref} ended {phase}{said}", subject=str(ref))
