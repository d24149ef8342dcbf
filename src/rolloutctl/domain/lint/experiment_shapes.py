"""The shape of Experiments."""

from __future__ import annotations

from rolloutctl.domain.lint.common_shapes import (
    DRY_RUN,
    LABELED,
    RETENTION,
    SELECTOR,
    TEMPLATE_ARGS,
    manifest,
)
from rolloutctl.domain.lint.pod_shapes import POD_TEMPLATE
from rolloutctl.domain.lint.shapes import FLAG, TEXT, WHOLE, Fields, Items, fields, needing, told

_TEMPLATE = needing(
    fields(
        name=told(TEXT, "No other template of the experiment has it."),
        replicas=told(WHOLE, "Else 1."),
        minReadySeconds=WHOLE,
        selector=SELECTOR,
        template=POD_TEMPLATE,
        service=fields("A Service of its own.", name=TEXT),
    ),
    "name",
    "selector",
    "template",
)
_ANALYSIS = needing(
    fields(
        name=told(TEXT, "Part of the name of its run."),
        templateName=TEXT,
        clusterScope=told(FLAG, "The name is that of a ClusterAnalysisTemplate."),
        requiredForCompletion=told(FLAG, "The experiment ends when these have succeeded."),
        args=TEMPLATE_ARGS,
    ),
    "name",
    "templateName",
)
EXPERIMENT_SPEC = needing(
    fields(
        "",
        templates=Items(of=_TEMPLATE, about="Versions that run side by side."),
        analyses=Items(of=_ANALYSIS, about="What decides how the experiment ends."),
        duration=told(TEXT, "From when all pods are available, as 30s, 5m, 1h."),
        progressDeadlineSeconds=told(WHOLE, "For a template to become available; else 600."),
        scaleDownDelaySeconds=told(WHOLE, "From the end until its pods go; else 30."),
        dryRun=DRY_RUN,
        measurementRetention=RETENTION,
        analysisRunMetadata=LABELED,
        terminate=told(FLAG, "Ends the experiment."),
    ),
    "templates",
)
EXPERIMENT: Fields = manifest(
    "Experiment", EXPERIMENT_SPEC, about="Versions that run side by side for a while."
)
