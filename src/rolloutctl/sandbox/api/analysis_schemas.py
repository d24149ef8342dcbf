"""The fields of AnalysisTemplates and AnalysisRuns, in the language of `shapes`."""

from __future__ import annotations

from .built_in_schemas import JOB_SPEC
from .pod_schema import CUSTOM_POD_SPEC
from .shapes import ANY, BOOL, INT, INT_OR_STR, LABELED, OPEN, STR, STRS, TEXTS, TIME, Schema

TEMPLATES = [{"templateName": STR, "clusterScope": BOOL}]
DRY_RUN = [{"metricName!": STR}]
RETENTION = [{"metricName!": STR, "limit!": INT}]
_AUTHENTICATION = {
    "basicAuth": {"username": STR, "password": STR},
    "oauth2": {"tokenUrl": STR, "clientId": STR, "clientSecret": STR, "scopes": STRS},
    "sigv4": {"region": STR, "profile": STR, "roleArn": STR},
}
_HEADERS = [{"key!": STR, "value!": STR}]
_PROVIDER = {
    OPEN: ANY,
    "prometheus": {
        "address": STR,
        "query": STR,
        "rangeQuery": {"start": STR, "end": STR, "step": STR},
        "authentication": _AUTHENTICATION,
        "headers": _HEADERS,
        "insecure": BOOL,
        "timeout": INT,
    },
    "web": {
        "url!": STR,
        "method": STR,
        "headers": _HEADERS,
        "body": STR,
        "jsonBody": ANY,
        "jsonPath": STR,
        "authentication": _AUTHENTICATION,
        "insecure": BOOL,
        "timeoutSeconds": INT,
    },
    "job": {
        "metadata": LABELED,
        "spec!": {
            **JOB_SPEC,
            "template!": {"metadata": LABELED, "spec": CUSTOM_POD_SPEC},
        },
    },
    "datadog": {
        **dict.fromkeys(("query", "formula", "aggregator", "interval", "apiVersion"), STR),
        "queries": TEXTS,
        "requestTimeout": STR,
        "secretRef": {"name": STR, "namespaced": BOOL},
    },
    "newRelic": {"query!": STR, "profile": STR, "timeout": INT},
    "graphite": {"address": STR, "query": STR},
    "influxdb": {"profile": STR, "query": STR},
    "wavefront": {"address": STR, "query": STR},
    "skywalking": {"address": STR, "query": STR, "interval": STR},
    "plugin": ANY,
}
_METRICS = [
    {
        "name!": STR,
        "provider!": _PROVIDER,
        **dict.fromkeys(("interval", "initialDelay", "successCondition", "failureCondition"), STR),
        **dict.fromkeys(("count", "failureLimit", "inconclusiveLimit"), INT_OR_STR),
        **dict.fromkeys(("consecutiveErrorLimit", "consecutiveSuccessLimit"), INT_OR_STR),
    }
]
_VALUE_FROM = {"fieldRef": {"fieldPath!": STR}, "secretKeyRef": {"name!": STR, "key!": STR}}
_ANALYSIS_SPEC = {
    "args": [{"name!": STR, "value": STR, "valueFrom": _VALUE_FROM}],
    "metrics": _METRICS,
    "dryRun": DRY_RUN,
    "measurementRetention": RETENTION,
}
TEMPLATE_SPEC: Schema = {**_ANALYSIS_SPEC, "templates": TEMPLATES}
RUN_SPEC: Schema = {
    **{key: value for key, value in _ANALYSIS_SPEC.items() if key != "metrics"},
    "metrics!": _METRICS,
    "terminate": BOOL,
    "ttlStrategy": {
        "secondsAfterCompletion": INT,
        "secondsAfterFailure": INT,
        "secondsAfterSuccess": INT,
    },
}
_COUNTS = dict.fromkeys(("count", "error", "failed", "inconclusive", "successful"), INT)
_MEASUREMENT = {
    "phase!": STR,
    "value": STR,
    "message": STR,
    "metadata": TEXTS,
    **dict.fromkeys(("startedAt", "finishedAt", "resumeAt"), TIME),
}
RUN_STATUS: Schema = {
    "phase!": STR,
    "message": STR,
    "startedAt": TIME,
    "completedAt": TIME,
    "runSummary": _COUNTS,
    "dryRunSummary": _COUNTS,
    "metricResults": [
        {
            "name!": STR,
            "phase!": STR,
            "message": STR,
            "dryRun": BOOL,
            "metadata": TEXTS,
            "measurements": [_MEASUREMENT],
            **_COUNTS,
            "consecutiveError": INT,
            "consecutiveSuccess": INT,
        }
    ],
}
