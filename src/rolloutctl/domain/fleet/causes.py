"""Why a rollout among many is degraded, told from its entry alone, so that equal causes group."""

from __future__ import annotations

import enum
import re

from msgspec import Struct

from rolloutctl.domain.failure import ANALYSES, EXPERIMENT, TIMED_OUT, failed_plugin
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.plugins import FAILED
from rolloutctl.domain.status import DEGRADED

_LONGEST = 2000
"""Characters of a text that are looked at: what is longer is a dump."""
_METRIC = re.compile(r'error/failed: Metric "([^"]*)" assessed (\w+)')
_ABORTED = "RolloutAborted: "
_INVALID = "InvalidSpec: "
_CREATE = "Failed to create new replica set"

_CUT = "…"
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|Ki|Mi|Gi|Ti|%)?")
_TOKEN = re.compile(r"[0-9A-Za-z]+", re.ASCII)
_CUTS = re.compile(rf"{_CUT}(?:[-.:/+]?{_CUT})+")
_HASH = 5
"""The shortest word with a digit in it that is taken for a hash."""


class Cause(enum.StrEnum):
    """What made a rollout degraded; the words `explain` uses where it has the same."""

    PLUGIN = "plugin-failed"
    METRIC = "metric-failed"
    """An analysis, by the metric that decided it."""
    ANALYSIS = "analysis-failed"
    """An analysis of which no metric is named: its spec or an argument was invalid."""
    EXPERIMENT = "experiment-failed"
    DEADLINE = "deadline"
    """No progress for `progressDeadlineSeconds`."""
    PERSON = "aborted-by-person"
    INVALID_SPEC = "invalid-spec"
    PODS_NOT_CREATED = "pods-not-created"
    OTHER = "other"


class Why(Struct, frozen=True, order=True):
    """What rollouts that are degraded alike have in common.

    `name`: of the plugin, or of the metric. `phase`: of the metric (Failed, Error, Inconclusive).
    `text`: the controller's words where there is more to tell, without what differs from one
    rollout to the next: numbers, hashes and the rollout's name are "…".
    """

    cause: Cause
    name: str = ""
    phase: str = ""
    text: str = ""


def is_aborted(found: Entry) -> bool:
    """Whether it is degraded because an update was aborted (an abort not carried out is none)."""
    row = found.row
    return row.phase == DEGRADED and (row.aborted or row.message.startswith(_ABORTED))


def why(found: Entry) -> Why | None:
    """Why it is degraded, None when it is not.

    Source: argo-rollouts, rollout/stepplugin.go, rollout/analysis.go, rollout/experiment.go,
    utils/conditions.
    """
    if found.row.phase != DEGRADED:
        return None
    text = found.cause[:_LONGEST]
    name = found.row.ref.name
    if not is_aborted(found):
        if text.endswith(TIMED_OUT):
            return Why(Cause.DEADLINE)
        if found.row.message.startswith(_INVALID):
            return Why(Cause.INVALID_SPEC, text=alike(text, name))
        if text.startswith(_CREATE):
            return Why(Cause.PODS_NOT_CREATED, text=alike(text, name))
        return Why(Cause.OTHER, text=alike(text or found.row.message[:_LONGEST], name))
    plugin = failed_plugin(text)
    if plugin is not None:
        return Why(Cause.PLUGIN, plugin[1])
    if text.startswith(tuple(ANALYSES)):
        metric = _METRIC.search(text)
        if metric is not None:
            return Why(Cause.METRIC, metric[1], metric[2])
        return Why(Cause.ANALYSIS, text=alike(text.partition(": ")[2] or text, name))
    if text.startswith(EXPERIMENT):
        return Why(Cause.EXPERIMENT, text=alike(text.partition(": ")[2], name))
    if text.endswith(TIMED_OUT):
        return Why(Cause.DEADLINE)
    if text:
        return Why(Cause.OTHER, text=alike(text, name))
    for run in reversed(found.runs):
        # A Failed run always aborts, also where the condition does not say so.
        if run.phase == FAILED and run.index == found.row.failed_step:
            return Why(Cause.PLUGIN, run.name)
    return Why(Cause.PERSON)


def alike(text: str, name: str = "") -> str:
    """`text` without what differs between rollouts that fail alike.

    >>> alike('ReplicaSet "web-6bb785c6f" of 12 pods after 4m0.5s', "web")
    'ReplicaSet "…" of … pods after …'
    """
    if name:
        own = re.compile(rf"(?<![\w-]){re.escape(name)}(?:-[0-9a-z]+)*(?![\w-])", re.ASCII)
        text = own.sub(_CUT, text)
    return _CUTS.sub(_CUT, _TOKEN.sub(_cut, " ".join(text.split())))


def _cut(word: re.Match[str]) -> str:
    text = word[0]
    if not any(char.isdigit() for char in text):
        return text
    # A short word with a digit in it ("e2e", "v1", "h2") is a word.
    return _CUT if len(text) >= _HASH or re.fullmatch(rf"(?:{_QUANTITY.pattern})+", text) else text
