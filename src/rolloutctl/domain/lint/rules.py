"""The rules by their names, each with what is wrong: docs/lint.md says the same."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "syntax": "it is no YAML or JSON; what follows in the file is not read",
    "duplicate-key": "a key is there twice: the last one counts, silently",
    "too-large": "so many values, aliases written out, that it can be no manifest",
    "api-version": "a kind of ours with another apiVersion",
    "kind": "a kind that is most likely misspelt",
    "unknown-field": "a field there is not: the API server drops it, or refuses the object",
    "missing-field": "a field it cannot do without",
    "wrong-type": "a number for a text, a list for an object",
    "unknown-value": "a value that is none of those there are",
    "duplicate-object": "two objects of one name: one replaces the other",
    "invalid-spec": "the controller refuses the Rollout; the message is that of its condition",
    "two-kinds": "a step of two kinds, of which the controller carries out one",
    "weight-down": "the canary's weight goes down from one step to the next",
    "missing-service": "a Service that is named is not there",
    "missing-workload": "what `workloadRef` names is not there",
    "missing-ingress": "an Ingress that a router names is not there",
    "missing-virtual-service": "a VirtualService is not there",
    "missing-template": "an AnalysisTemplate or ClusterAnalysisTemplate is not there",
    "shared-service": "two Rollouts name one Service, and both would change what it selects",
    "plugin-config": "the controller ends at its next start with this message",
    "plugin-twice": "a plugin is configured twice",
    "unknown-plugin": "a plugin is not configured: its step is never done",
    "disabled-plugin": "a step's plugin is disabled: the step is passed over",
    "plugin-past-deadline": (
        "a plugin is told to take longer than `progressDeadlineSeconds`; after that it is "
        "not called again"
    ),
    "no-metrics": "a template or run without metrics",
    "duplicate-metric": "two metrics of one name, also of templates put together",
    "metric-provider": "a metric without a provider, or with several",
    "provider-settings": "settings of a provider that do not go together",
    "metric-interval": "several measurements without an interval",
    "metric-duration": "an interval or delay that cannot be read",
    "metric-limit": "a limit that is negative, larger than the count, or no number",
    "metric-condition": "a condition that is no expression, or does not look at the result",
    "unmatched-rule": "a `dryRun` or `measurementRetention` that is about no metric",
    "duplicate-rule": "two such rules for one metric",
    "bad-placeholder": "`{{…}}` that names nothing there is, or is not closed",
    "undeclared-argument": "`{{args.x}}` without an argument x",
    "unused-argument": "an argument no metric uses",
    "duplicate-argument": "an argument declared twice",
    "missing-argument": (
        "an argument without a value where it is used: the analysis would not start"
    ),
    "ignored-argument": "an argument that no template of the analysis asks for",
    "conflicting-arguments": "templates put together that give one argument two values",
    "template-cycle": "templates made of each other",
    "endless-metric": "a metric without an end in a step: the step is never done",
    "endless-experiment": "an experiment that ends only when somebody terminates it",
    "experiment-duration": "a duration that cannot be read",
    "invalid-experiment": "the controller refuses the Experiment",
    "duplicate-analysis": "two analyses of an experiment have one name",
}
