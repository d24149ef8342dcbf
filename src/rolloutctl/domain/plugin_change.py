"""A change of `argo-rollouts-config`, worked out and checked before it is sent."""

from __future__ import annotations

import difflib
import enum
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from rolloutctl.domain.cluster import CONFIG_MAPS, Change
from rolloutctl.domain.gitops import Keeper
from rolloutctl.domain.plugin_config import (
    CONFIG_MAP,
    STEP,
    STEP_KEY,
    ConfigProblem,
    PluginConfiguration,
    UnknownPlugin,
    parse,
)
from rolloutctl.domain.plugin_edit import set_disabled
from rolloutctl.domain.plugin_use import ControllerFacts, PluginFacts, RunOf, SwitchNote
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import ConfigMap
from rolloutctl.errors import Conflict, Failed, RolloutctlError

_PREFIX = "rolloutctl.dev/disabled."
CHANGED_AT = "rolloutctl.dev/plugins-changed-at"


class WouldNotStart(Failed):
    """The controller would exit at its next start with this ConfigMap."""


class NotDisableable(Conflict):
    """Only step plugins can be disabled."""


class ConfigEdit(Struct, frozen=True):
    """What one command makes of one version of the ConfigMap.

    `changed` are the plugins whose `disabled` it turns, `unchanged` those that were so already.
    `change` is None when there is nothing to write.
    """

    namespace: str
    before: str
    after: str
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    change: Change | None
    annotations: dict[str, str]
    """The ConfigMap's annotations as they were, to put them back."""

    @property
    def diff(self) -> tuple[str, ...]:
        """The unified diff of the YAML text, line by line."""
        old, new = self.before.splitlines(), self.after.splitlines()
        name = f"{self.namespace}/{CONFIG_MAP}/{STEP_KEY}"
        return tuple(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm=""))


class LocationCheck(Struct, frozen=True):
    """Whether a plugin's executable can be had, as far as that can be seen from here.

    `reachable` is None when it cannot be tried (a file in the controller's container, headers from
    a Secret); `detail` says what came back or why.
    """

    plugin: str
    location: str
    reachable: bool | None
    detail: str


class Plan(Struct, frozen=True):
    """What `disable` or `enable` is about to do, and who is affected."""

    disable: bool
    edit: ConfigEdit
    controller: ControllerFacts
    affected: tuple[PluginFacts, ...]
    locations: tuple[LocationCheck, ...] = ()
    notes: tuple[str, ...] = ()
    keepers: tuple[Keeper, ...] = ()
    """What manages the ConfigMap, and brings back what its source says."""

    @property
    def in_flight(self) -> tuple[RunOf, ...]:
        return tuple(run for plugin in self.affected for run in plugin.in_flight)

    @property
    def unreachable(self) -> tuple[LocationCheck, ...]:
        return tuple(check for check in self.locations if check.reachable is False)


class Restarted(enum.StrEnum):
    """How a restart of the controller ended."""

    READY = "ready"
    ROLLED_BACK = "rolled-back"
    """The new pod did not come up; the old ConfigMap is back and the controller runs again."""
    DOWN = "down"
    """The new pod did not come up, and putting the old ConfigMap back did not help or failed."""


class Restart(Struct, frozen=True):
    """What came of it. `fatal` is the last line of the pod's log, `problem` what else to know."""

    outcome: Restarted
    seconds: float
    pod: str = ""
    fatal: str = ""
    problem: str = ""


class Outcome(Struct, frozen=True):
    """What `disable` or `enable` did.

    `passed` of the runs in flight are passed over now, `waiting` are not (yet). `attempts` is how
    often the ConfigMap had to be written until nobody else came first.
    """

    disable: bool
    namespace: str
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    diff: tuple[str, ...] = ()
    attempts: int = 0
    pending: bool | None = None
    saved: str = ""
    restart: Restart | None = None
    passed: tuple[RunOf, ...] = ()
    waiting: tuple[RunOf, ...] = ()
    unblocked: tuple[Ref, ...] = ()


def edit_config(
    config: ConfigMap,
    names: Sequence[str],
    *,
    disable: bool,
    reason: str = "",
    by: str = "",
    at: datetime,
) -> ConfigEdit:
    """The edit that turns `disabled` of these step plugins, checked as the controller would.

    Raises UnknownPlugin, NotDisableable, NotEditable and WouldNotStart; the last one also when the
    ConfigMap was bad before.
    """
    data = dict(config.data or {})
    before = data.get(STEP_KEY, "")
    known = parse(data)
    broken = [problem for problem in known.problems if not problem.plugin and problem.line]
    if broken:
        raise would_not_start(broken, before=True)
    for name in names:
        _check_name(known, name)
    if known.problems:
        raise would_not_start(known.problems, before=True)
    text = before
    changed: list[str] = []
    unchanged: list[str] = []
    for name in dict.fromkeys(names):
        edited = set_disabled(text, name, disable)
        (unchanged if edited == text else changed).append(name)
        text = edited
    after = parse({**data, STEP_KEY: text})
    annotations = dict(config.metadata.annotations or {})
    change = None
    if changed:
        if after.problems:
            raise would_not_start(after.problems, before=False)
        change = _change(config, before, text, changed, disable, SwitchNote(reason, by, at))
    return ConfigEdit(
        config.metadata.namespace,
        before,
        text,
        tuple(changed),
        tuple(unchanged),
        change,
        annotations,
    )


def _check_name(known: PluginConfiguration, name: str) -> None:
    if known.find(name) is not None:
        return
    other = next((item for item in known.items if item.name == name), None)
    if other is not None:
        kind = "traffic router" if other.kind != "metric" else "metric provider"
        raise NotDisableable(
            f"{name} is a {kind} plugin: only step plugins can be disabled",
            subject=name,
            hint="the controller ignores `disabled` of the others; change the rollouts or "
            "templates that use it",
        )
    raise unknown_plugin(known, name, kinds=(STEP,))


def unknown_plugin(
    known: PluginConfiguration, name: str, *, kinds: Sequence[str] = ()
) -> UnknownPlugin:
    """The error for a name that is not configured: a near one, and all there are."""
    names = sorted({item.name for item in known.items if not kinds or item.kind in kinds})
    what = "step plugin" if tuple(kinds) == (STEP,) else "plugin"
    if not names:
        hint = [f"no {what} is configured"]
    else:
        hint = [f"known: {', '.join(names)}"]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5) or [
            each for each in names if each.partition("/")[2] == name
        ]
        if near:
            hint.insert(0, f"did you mean {near[0]}?")
    return UnknownPlugin(f'no {what} "{name}" is configured', subject=name, hint=hint)


def would_not_start(problems: Sequence[ConfigProblem], *, before: bool) -> RolloutctlError:
    """Why this ConfigMap is not written: the controller's own words, with line and column."""
    first = problems[0]
    state = "is broken already" if before else "would be broken"
    more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
    return WouldNotStart(
        f"{CONFIG_MAP} {state} at {first.place}: the controller would not start: "
        f"{first.message}{more}",
        hint="repair the ConfigMap first; nothing was changed",
    )


# --- what is written ----------------------------------------------------------------------------


def annotation_key(plugin: str) -> str:
    """Where the reason is kept: "a/b" at ".../disabled.a.b" (a key has room for one slash only)."""
    return (_PREFIX + plugin.replace("/", "."))[: len("rolloutctl.dev/") + 63].rstrip(".-_")


def notes_of(config: ConfigMap, names: Sequence[str]) -> dict[str, SwitchNote]:
    """What was recorded about these plugins, by name; what cannot be read is left out."""
    found: dict[str, SwitchNote] = {}
    for name in names:
        text = (config.metadata.annotations or {}).get(annotation_key(name))
        if text is None:
            continue
        try:
            raw = json.loads(text)
        except ValueError:
            raw = {"reason": text}
        if isinstance(raw, dict) and str(raw.get("plugin", name)) == name:
            at = moment(raw.get("at"))
            found[name] = SwitchNote(str(raw.get("reason", "")), str(raw.get("by", "")), at)
    return found


def moment(text: Any) -> datetime | None:
    """An aware moment of its RFC 3339 text, None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def stamp(at: datetime) -> str:
    """RFC 3339 to the microsecond, in UTC."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _change(
    config: ConfigMap,
    before: str,
    after: str,
    changed: Sequence[str],
    disable: bool,
    note: SwitchNote,
) -> Change:
    """One JSON Patch: nobody else has written anything since, and then the text and the notes."""
    had = dict(config.metadata.annotations or {})
    has = dict(had)
    assert note.at is not None
    has[CHANGED_AT] = stamp(note.at)
    for name in changed:
        key = annotation_key(name)
        has.pop(key, None)
        if disable:
            record = {"plugin": name, "reason": note.reason, "by": note.by, "at": stamp(note.at)}
            has[key] = json.dumps({k: v for k, v in record.items() if v}, ensure_ascii=False)
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": _version(config)},
        {"op": "test", "path": f"/data/{STEP_KEY}", "value": before},
        {"op": "replace", "path": f"/data/{STEP_KEY}", "value": after},
        *annotation_operations(had, has, exists=config.metadata.annotations is not None),
    ]
    return Change(CONFIG_MAPS, config.metadata.namespace, CONFIG_MAP, "", tuple(operations))


def _version(config: ConfigMap) -> str:
    return config.metadata.resource_version


def annotation_operations(
    had: Mapping[str, str], has: Mapping[str, str], *, exists: bool
) -> list[dict[str, Any]]:
    """The JSON Patch operations from the one set of annotations to the other."""
    if not exists or not had:
        value = dict(has)
        return [{"op": "add", "path": "/metadata/annotations", "value": value}] if value else []
    operations: list[dict[str, Any]] = []
    for key in sorted(had.keys() | has.keys()):
        path = "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")
        if key not in has:
            operations.append({"op": "remove", "path": path})
        elif had.get(key) != has[key]:
            operations.append({"op": "add", "path": path, "value": has[key]})
    return operations


def restoration(edit: ConfigEdit, now: ConfigMap) -> Change:
    """The change that puts the text of before back, provided that ours is still there.

    Raises Conflict when somebody has changed the key since.
    """
    if (now.data or {}).get(STEP_KEY) != edit.after:
        raise Conflict(f"somebody else has changed {STEP_KEY} meanwhile")
    had = dict(now.metadata.annotations or {})
    has = dict(had)
    for key in {annotation_key(name) for name in edit.changed}:
        has.pop(key, None)
        if key in edit.annotations:
            has[key] = edit.annotations[key]
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": f"/data/{STEP_KEY}", "value": edit.after},
        {"op": "test", "path": "/metadata/resourceVersion", "value": _version(now)},
        {"op": "replace", "path": f"/data/{STEP_KEY}", "value": edit.before},
        *annotation_operations(had, has, exists=now.metadata.annotations is not None),
    ]
    return Change(CONFIG_MAPS, edit.namespace, CONFIG_MAP, "", tuple(operations))
