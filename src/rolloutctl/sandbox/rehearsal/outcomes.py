"""How plugins and analyses end in a rehearsal: as a file says, else as assumed.

acme/gate: Failed                       # a plugin, by its name
demo/jenkins-gate:
  outcome: Successful                   # Successful, Failed, Error or Disabled
  duration: 4m                          # until it ends, a Go duration or seconds
  message: "job #17: SUCCESS"
  requeue: 30s                          # how soon it asks to be called again while it runs
  abort: Failed                         # what its Abort call returns; terminate: likewise
5: Error                                # the plugin of the fifth step, whatever its name
"*": {duration: 2m}                     # every other plugin
analysis:
  success-rate: Failed                  # a template or a metric: Successful, Failed, Error or
  latency: {outcome: Failed, after: 3}  # Inconclusive; `after` so many good measurements
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from rolloutctl.errors import UsageError
from rolloutctl.sandbox.durations import parse_duration

PLUGIN_OUTCOMES = ("Successful", "Failed", "Error", "Disabled")
CALL_OUTCOMES = ("Successful", "Failed", "Error")
ANALYSIS_OUTCOMES = ("Successful", "Failed", "Error", "Inconclusive")

ASSUMED_SECONDS = 60.0
"""How long a plugin runs of which nothing is known."""

_ANY = "*"
_LONGEST = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What an Abort or Terminate call returns."""

    outcome: str = "Successful"
    message: str = ""


@dataclass(frozen=True, slots=True)
class PluginOutcome:
    """How a plugin's step goes. `duration` and `requeue` are seconds.

    `given` names the keys that the file holds; all else is assumed.
    """

    outcome: str = "Successful"
    duration: float = ASSUMED_SECONDS
    message: str = ""
    requeue: float | None = None
    abort: CallOutcome = CallOutcome()
    terminate: CallOutcome = CallOutcome()
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnalysisOutcome:
    """How a metric goes: `after` so many good measurements all others are `outcome`, and the
    first one is there after `duration` seconds (None: by the schedule of the metric).
    """

    outcome: str = "Successful"
    message: str = ""
    after: int = 0
    duration: float | None = None
    given: bool = False


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The whole of an outcome file; an empty one assumes everything."""

    plugins: Mapping[str, PluginOutcome] = field(default_factory=dict)
    steps: Mapping[int, PluginOutcome] = field(default_factory=dict)
    """By 0-based index."""
    analyses: Mapping[str, AnalysisOutcome] = field(default_factory=dict)

    def plugin(self, index: int, name: str) -> PluginOutcome:
        """How the plugin `name` of the step at `index` goes: what is said most exactly counts."""
        for found in (self.steps.get(index), self.plugins.get(name), self.plugins.get(_ANY)):
            if found is not None:
                return found
        return PluginOutcome()

    def analysis(self, metric: str, template: str = "") -> AnalysisOutcome:
        for name in (metric, template, _ANY):
            if name and name in self.analyses:
                return self.analyses[name]
        return AnalysisOutcome()

    def hurried(self, before: int) -> Outcomes:
        """With no time for the plugins of the steps before the index `before`."""
        return _Hurried(self.plugins, self.steps, self.analyses, self, before)

    def without(self, names: Mapping[str, bool]) -> Outcomes:
        """With those plugins not run, unless an outcome is given for one.

        `names`: plugin name to whether it is configured (and disabled), or not at all.
        """
        plugins = dict(self.plugins)
        for name, configured in names.items():
            known = plugins.get(name, PluginOutcome())
            if "outcome" not in known.given:
                how = "Disabled" if configured else "Missing"
                plugins[name] = replace(known, outcome=how, given=known.given | {"outcome"})
        return replace(self, plugins=plugins)


@dataclass(frozen=True, slots=True)
class _Hurried(Outcomes):
    """The same outcomes, at once for the steps before an index."""

    usual: Outcomes = field(default_factory=Outcomes)
    before: int = 0

    def plugin(self, index: int, name: str) -> PluginOutcome:
        found = self.usual.plugin(index, name)
        return replace(found, duration=0.0) if 0 <= index < self.before else found


def parse(text: str, source: str) -> Outcomes:
    """The outcomes in a YAML or JSON text. Raises UsageError that names `source`, the path in it
    and what may stand there.
    """
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise UsageError(f"{source} is no YAML: {where}{problem}", subject=source) from error
    if found is None:
        return Outcomes()
    if not isinstance(found, dict):
        raise _wrong(source, "", "a mapping of plugins to outcomes", found)
    plugins: dict[str, PluginOutcome] = {}
    steps: dict[int, PluginOutcome] = {}
    analyses: dict[str, AnalysisOutcome] = {}
    for key, value in found.items():
        if key == "analysis":
            if not isinstance(value, dict):
                raise _wrong(source, "analysis", "a mapping of templates or metrics", value)
            analyses = {
                str(name): _analysis(each, source, f"analysis.{name}")
                for name, each in value.items()
            }
        elif isinstance(key, int) and not isinstance(key, bool):
            if key < 1:
                raise UsageError(
                    f"{source}: there is no step {key}", hint="steps are numbered from 1"
                )
            steps[key - 1] = _plugin(value, source, str(key))
        elif isinstance(key, str) and (key == _ANY or "/" in key):
            plugins[key] = _plugin(value, source, key)
        else:
            raise UsageError(
                f'{source}: "{key}" names no plugin',
                hint='a key is a plugin (NAMESPACE/NAME), a step number, "*" or analysis',
            )
    return Outcomes(plugins, steps, analyses)


def _plugin(value: Any, source: str, path: str) -> PluginOutcome:
    if isinstance(value, str):
        value = {"outcome": value}
    allowed = ("outcome", "duration", "message", "requeue", "abort", "terminate")
    keys = _keys(value, allowed, source, path, PLUGIN_OUTCOMES)
    made = PluginOutcome(given=frozenset(keys))
    if "outcome" in keys:
        made = replace(made, outcome=_one_of(keys, PLUGIN_OUTCOMES, source, path))
    if "duration" in keys:
        made = replace(made, duration=_seconds(keys["duration"], source, f"{path}.duration"))
    if "requeue" in keys:
        made = replace(made, requeue=_seconds(keys["requeue"], source, f"{path}.requeue"))
    if "abort" in keys:
        made = replace(made, abort=_call(keys["abort"], source, f"{path}.abort"))
    if "terminate" in keys:
        made = replace(made, terminate=_call(keys["terminate"], source, f"{path}.terminate"))
    return replace(made, message=_text(keys, source, path))


def _call(value: Any, source: str, path: str) -> CallOutcome:
    if isinstance(value, str):
        value = {"outcome": value}
    keys = _keys(value, ("outcome", "message"), source, path, CALL_OUTCOMES)
    outcome = "Successful"
    if "outcome" in keys:
        outcome = _one_of(keys, CALL_OUTCOMES, source, path)
    return CallOutcome(outcome, _text(keys, source, path))


def _analysis(value: Any, source: str, path: str) -> AnalysisOutcome:
    if isinstance(value, str):
        value = {"outcome": value}
    allowed = ("outcome", "message", "after", "duration")
    keys = _keys(value, allowed, source, path, ANALYSIS_OUTCOMES)
    outcome = "Successful"
    if "outcome" in keys:
        outcome = _one_of(keys, ANALYSIS_OUTCOMES, source, path)
    after = keys.get("after", 0)
    if not isinstance(after, int) or isinstance(after, bool) or after < 0:
        raise _wrong(source, f"{path}.after", "a number of measurements", after)
    lasts = None
    if "duration" in keys:
        lasts = _seconds(keys["duration"], source, f"{path}.duration")
    return AnalysisOutcome(outcome, _text(keys, source, path), after, lasts, given=True)


def _keys(
    value: Any, allowed: tuple[str, ...], source: str, path: str, outcomes: tuple[str, ...]
) -> dict[str, Any]:
    if not isinstance(value, dict):
        short = ", ".join(outcomes)
        raise _wrong(source, path, f"an outcome ({short}) or a mapping of {_list(allowed)}", value)
    for key in value:
        if key not in allowed:
            near = difflib.get_close_matches(str(key), allowed, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UsageError(
                f'{source}: {path} has the key "{key}", which is not known',
                hint=f"{meant}known: {_list(allowed)}",
            )
    return value


def _one_of(keys: Mapping[str, Any], allowed: tuple[str, ...], source: str, path: str) -> str:
    value = keys["outcome"]
    for each in allowed:
        if isinstance(value, str) and value.lower() == each.lower():
            return each
    raise _wrong(source, path, f"one of {', '.join(allowed)}", value)


def _seconds(value: Any, source: str, path: str) -> float:
    found: float | None = None
    if isinstance(value, str):
        found = parse_duration(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    if found is None or not 0 <= found <= _LONGEST:
        raise _wrong(source, path, "a duration as 90s, 5m or 1h30m, or seconds", value)
    return found


def _text(keys: Mapping[str, Any], source: str, path: str) -> str:
    message = keys.get("message", "")
    if not isinstance(message, str):
        raise _wrong(source, f"{path}.message", "a text", message)
    return message


def _wrong(source: str, path: str, wanted: str, found: Any) -> UsageError:
    shown = repr(found)
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    where = f"{source}: {path}" if path else source
    return UsageError(f"{where} must be {wanted}, and is {shown}")


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
