"""Shapes that several kinds share: metadata, selectors, arguments of analyses, references."""

from __future__ import annotations

from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    LABELS,
    TEXT,
    TEXTS,
    WHOLE,
    Fields,
    Items,
    Shape,
    Text,
    fields,
    needing,
    told,
)

GROUP_VERSION = "argoproj.io/v1alpha1"

METADATA = fields(
    name=TEXT,
    generateName=TEXT,
    namespace=TEXT,
    labels=LABELS,
    annotations=LABELS,
    finalizers=TEXTS,
    ownerReferences=Items(of=ANY),
    uid=TEXT,
    resourceVersion=TEXT,
    generation=WHOLE,
    creationTimestamp=ANY,
    deletionTimestamp=ANY,
    deletionGracePeriodSeconds=WHOLE,
    selfLink=TEXT,
    managedFields=ANY,
)
LABELED = fields("Labels and annotations.", labels=LABELS, annotations=LABELS)
SELECTOR = fields(
    "Which objects are meant, by their labels.",
    matchLabels=LABELS,
    matchExpressions=Items(
        of=needing(
            fields(
                key=TEXT,
                operator=Text(one_of=("In", "NotIn", "Exists", "DoesNotExist")),
                values=TEXTS,
            ),
            "key",
            "operator",
        )
    ),
)
FIELD_REF = needing(
    fields("A field of the object the run is made for.", fieldPath=TEXT), "fieldPath"
)
TEMPLATE_REFS = Items(
    of=fields(
        templateName=told(TEXT, "The name of an AnalysisTemplate of the namespace."),
        clusterScope=told(FLAG, "The name is that of a ClusterAnalysisTemplate."),
    ),
    about="Templates whose metrics and arguments are put together.",
)
DRY_RUN = Items(
    of=needing(
        fields(metricName=told(TEXT, "A regular expression, found anywhere in a name.")),
        "metricName",
    ),
    about="Metrics that are measured, and whose results decide nothing.",
)
RETENTION = Items(
    of=needing(
        fields(
            metricName=told(TEXT, "A regular expression, found anywhere in a name."),
            limit=told(WHOLE, "How many measurements are kept; else 10."),
        ),
        "metricName",
        "limit",
    ),
    about="How many measurements of a metric are kept.",
)


def arguments(source: Fields) -> Items:
    """A list of arguments whose values may come from `source`."""
    one = fields(
        name=told(TEXT, "Used as {{args.NAME}}."),
        value=told(TEXT, "Its value; in a template, what it is when none is given."),
        valueFrom=source,
    )
    return Items(of=needing(one, "name"), about="Arguments of the analysis.")


TEMPLATE_ARGS = arguments(
    fields(
        "Where the value comes from.",
        fieldRef=FIELD_REF,
        secretKeyRef=needing(
            fields("A key of a Secret of the run's namespace.", name=TEXT, key=TEXT), "name", "key"
        ),
    )
)
"""Of templates, runs, and the analyses of Experiments."""
ROLLOUT_ARGS = arguments(
    fields(
        "Where the value comes from.",
        fieldRef=FIELD_REF,
        podTemplateHashValue=Text(
            one_of=("Stable", "Latest"), about="The pod template hash of one of the two versions."
        ),
    )
)
"""What a Rollout gives to its analyses, and to those of its experiment steps."""


def manifest(kind: str, spec: Shape, *, about: str, status: Shape = ANY) -> Fields:
    """A whole object of a kind of Argo Rollouts."""
    return Fields(
        known={
            "apiVersion": Text(one_of=(GROUP_VERSION,)),
            "kind": Text(one_of=(kind,)),
            "metadata": METADATA,
            "spec": spec,
            "status": status,
        },
        required=frozenset({"apiVersion", "kind", "metadata", "spec"}),
        about=about,
    )
