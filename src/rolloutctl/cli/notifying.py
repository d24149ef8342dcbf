"""`notifications`: triggers and templates from the cluster or a file, in every format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.output import write
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.notifications import Notifications, Template, Trigger
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.wire import Json
    from rolloutctl.render.text import Line

Place = tuple[str | None, str | None]
"""A file (or None), and a namespace (None: the controller's usual one)."""


def list_triggers(run: Run, place: Place, output: str | None) -> ExitCode:
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.views import notifications as view

    found = _read(run, place).triggers
    if output in (None, "wide"):
        _emit(run, view.triggers(found, run.surface()), "there are no triggers")
    elif output == "name":
        run.out("".join(f"{item.name}\n" for item in found))
    else:
        write(run, map(documents.trigger, found), output, listed="NotificationTriggerList")
    return _code(found)


def list_templates(run: Run, place: Place, output: str | None) -> ExitCode:
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.views import notifications as view

    found = _read(run, place).templates
    if output in (None, "wide"):
        _emit(run, view.templates(found, run.surface()), "there are no templates")
    elif output == "name":
        run.out("".join(f"{item.name}\n" for item in found))
    else:
        write(run, map(documents.template, found), output, listed="NotificationTemplateList")
    return _code(found)


def get_trigger(run: Run, place: Place, name: str, output: str | None) -> ExitCode:
    from rolloutctl.actions.notifications import named
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.views import notifications as view

    item = named(_read(run, place).triggers, "trigger", name)
    if output in (None, "wide"):
        run.emit(view.trigger(item, run.surface()))
    else:
        _one(run, documents.trigger(item), item.name, output)
    return _code([item])


def get_template(run: Run, place: Place, name: str, output: str | None) -> ExitCode:
    from rolloutctl.actions.notifications import named
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.views import notifications as view

    item = named(_read(run, place).templates, "template", name)
    if output in (None, "wide"):
        run.emit(view.template(item, run.surface()))
    else:
        _one(run, documents.template(item), item.name, output)
    return _code([item])


def run_trigger(run: Run, place: Place, name: str, rollout: str, output: str | None) -> ExitCode:
    """FAILED when a condition could not be evaluated. Raises NotFound and the like."""
    from rolloutctl.actions.notifications import named
    from rolloutctl.domain import notifications
    from rolloutctl.render import narrate
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.text import safe
    from rolloutctl.render.views import notifications as view

    item = named(_read(run, place).triggers, "trigger", name)
    ref, raw = _rollout(run, rollout)
    found = notifications.run_trigger(item, raw)
    if output in (None, "wide"):
        run.emit(view.outcomes(found, run.surface()))
    else:
        _one(run, documents.trigger_run(item, ref, found), item.name, output)
    for each in found:
        if each.why:
            text = f"{view.when(each.condition)}: {safe(each.why, 400)}"
            run.note([narrate.warning(run.surface(), text)])
    unknown = any(each.holds is None for each in found)
    return ExitCode.FAILED if unknown or item.problem else ExitCode.OK


def run_template(run: Run, place: Place, name: str, rollout: str, output: str | None) -> ExitCode:
    from rolloutctl.actions.notifications import named
    from rolloutctl.domain import notifications
    from rolloutctl.render import narrate
    from rolloutctl.render.documents import notifications as documents
    from rolloutctl.render.text import safe
    from rolloutctl.render.views import notifications as view

    item = named(_read(run, place).templates, "template", name)
    ref, raw = _rollout(run, rollout)
    found = notifications.preview(item, raw)
    if output in (None, "wide"):
        run.emit(view.preview(found))
    else:
        _one(run, documents.preview(found, ref), item.name, output)
    if found.left:
        listed = ", ".join(safe(each) for each in found.left)
        text = f"not filled in, for want of an engine of Go templates: {listed}"
        run.note([narrate.warning(run.surface(), text)])
    return _code([item])


# ------------------------------------------------------------------------------------------------


def _emit(run: Run, lines: Iterable[Line], nothing: str) -> None:
    told = list(lines)
    if told:
        run.emit(told)
    else:
        run.note(nothing)


def _one(run: Run, document: dict[str, Any], name: str, output: str | None) -> None:
    if output == "name":
        run.out(name)
    else:
        write(run, [document], output)


def _code(found: Iterable[Trigger | Template]) -> ExitCode:
    """FAILED where something cannot be read: it is said in its place."""
    return ExitCode.FAILED if any(item.problem for item in found) else ExitCode.OK


def _read(run: Run, place: Place) -> Notifications:
    from rolloutctl.actions import notifications
    from rolloutctl.domain.notifications import CONFIG_MAP, parse
    from rolloutctl.domain.plugin_config import CONTROLLER_NAMESPACE

    filename, namespace = place
    if filename is None:
        return notifications.read(run.cluster(), namespace or CONTROLLER_NAMESPACE)
    for document in _documents(run, filename):
        metadata = document.get("metadata")
        named = metadata.get("name") if isinstance(metadata, dict) else None
        if document.get("kind") == "ConfigMap" and named == CONFIG_MAP:
            data = document.get("data")
            entries = data.items() if isinstance(data, dict) else ()
            return parse({str(key): value for key, value in entries if isinstance(value, str)})
    raise NotFound(f"{filename} has no ConfigMap {CONFIG_MAP}")


def _rollout(run: Run, text: str) -> tuple[Ref | None, Json]:
    """A rollout of the cluster, or of a file of that name."""
    from rolloutctl.actions import notifications

    if not Path(text).is_file():
        (ref,) = run.refs([text])
        return ref, notifications.rollout(run.cluster(), ref)
    for document in _documents(run, text):
        if document.get("kind") == "Rollout":
            return None, document
    raise NotFound(f"{text} has no Rollout")


def _documents(run: Run, filename: str) -> list[dict[str, Any]]:
    import yaml

    name = "stdin" if filename == "-" else filename
    try:
        text = run.environment.stdin.read() if filename == "-" else Path(filename).read_text()
        found = list(yaml.safe_load_all(text))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no YAML: {error}") from error
    return [document for document in found if isinstance(document, dict)]
