"""What a rehearsal makes of analysis templates: nobody is asked, the values are given.

A metric keeps its schedule and its limits; its values and conditions are such that each
measurement ends as the outcomes say.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, name, text

from .outcomes import ASSUMED_SECONDS, AnalysisOutcome, Outcomes

SCRIPTED = "sandbox/values"
"""The sandbox's own provider of given values."""
GOOD, BAD, NEITHER = 1, 0, 2
_TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
_ONCE = "8760h"


def is_template(obj: Obj) -> bool:
    return obj.get("kind") in _TEMPLATES


def scripted(template: Obj, outcomes: Outcomes) -> Obj:
    """The template with metrics that ask nobody, and without anybody's secrets."""
    made = copy.deepcopy(template)
    for metric in items(made, "spec", "metrics"):
        if not isinstance(metric, dict) or not isinstance(metric.get("provider"), dict):
            continue  # what is no metric the API server or the controller refuses
        wanted = outcomes.analysis(text(metric, "name"), name(made))
        _script(metric, wanted)
    for argument in items(made, "spec", "args"):
        if dig(argument, "valueFrom", "secretKeyRef") is not None:
            del argument["valueFrom"]
            argument["value"] = "secret"
    return made


def assumed(templates: Sequence[Obj], outcomes: Outcomes) -> set[str]:
    """The metrics of which nothing is said."""
    return {
        text(metric, "name")
        for template in templates
        for metric in items(template, "spec", "metrics")
        if not outcomes.analysis(text(metric, "name"), name(template)).given
    }


def _script(metric: Obj, wanted: AnalysisOutcome) -> None:
    provider = metric["provider"]
    odd: object = {
        "Successful": GOOD,
        "Failed": BAD,
        "Inconclusive": NEITHER,
        "Error": f"error: {wanted.message or 'rehearsed error'}",
    }[wanted.outcome]
    metric["provider"] = {"plugin": {SCRIPTED: {"values": [*[GOOD] * wanted.after, odd]}}}
    metric["successCondition"] = f"result == {GOOD}"
    metric["failureCondition"] = f"result == {BAD}"
    lasts = wanted.duration
    if lasts is None and mapping(provider, "job"):
        lasts = ASSUMED_SECONDS
    if lasts:
        metric["initialDelay"] = f"{lasts:g}s"
    endless = metric.get("count") is None and metric.get("interval") is not None
    if endless and wanted.outcome == "Successful" and not metric.get("consecutiveSuccessLimit"):
        # It would be measured a hundred thousand times in a pause of a month, to no effect.
        metric["interval"] = _ONCE
