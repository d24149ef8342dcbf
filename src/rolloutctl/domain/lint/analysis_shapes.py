"""The shapes of AnalysisTemplates, ClusterAnalysisTemplates, AnalysisRuns and their metrics."""

from __future__ import annotations

from rolloutctl.domain.lint.common_shapes import (
    DRY_RUN,
    LABELED,
    RETENTION,
    TEMPLATE_ARGS,
    TEMPLATE_REFS,
    manifest,
)
from rolloutctl.domain.lint.pod_shapes import JOB_SPEC
from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    LABELS,
    LONG,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLE_OR_TEXT,
    Fields,
    Items,
    Text,
    fields,
    needing,
    told,
)

_AUTHENTICATION = fields(
    "How the request is authenticated.",
    basicAuth=fields(username=TEXT, password=TEXT),
    oauth2=fields(tokenUrl=TEXT, clientId=TEXT, clientSecret=TEXT, scopes=TEXTS),
    sigv4=fields(region=TEXT, profile=TEXT, roleArn=TEXT),
)
_HEADERS = Items(of=needing(fields(key=TEXT, value=TEXT), "key", "value"))
_SCOPE = needing(
    fields(scope=TEXT, region=TEXT, step=LONG, start=TEXT, end=TEXT), "scope", "region", "step"
)
PROVIDER = fields(
    "Who is asked; exactly one.",
    prometheus=fields(
        "A query of a Prometheus server.",
        address=TEXT,
        query=TEXT,
        rangeQuery=fields(
            "Asks for a range; the result is a list of series.", start=TEXT, end=TEXT, step=TEXT
        ),
        authentication=_AUTHENTICATION,
        headers=_HEADERS,
        insecure=told(FLAG, "Do not check the server's certificate."),
        timeout=told(LONG, "Seconds; else 30."),
    ),
    web=needing(
        fields(
            "A value out of the JSON that a URL answers with.",
            url=TEXT,
            method=told(TEXT, "GET, POST or PUT; else GET."),
            headers=_HEADERS,
            body=TEXT,
            jsonBody=ANY,
            jsonPath=told(TEXT, 'As "{$.data.ok}"; else the whole answer.'),
            authentication=_AUTHENTICATION,
            insecure=told(FLAG, "Do not check the server's certificate."),
            timeoutSeconds=told(LONG, "Else 10."),
        ),
        "url",
    ),
    job=needing(
        fields(
            "A Kubernetes Job: what it ends with is the result.", metadata=LABELED, spec=JOB_SPEC
        ),
        "spec",
    ),
    datadog=fields(
        "A query of Datadog.",
        query=TEXT,
        queries=LABELS,
        formula=TEXT,
        aggregator=Text(
            one_of=("avg", "min", "max", "sum", "last", "percentile", "mean", "l2norm", "area")
        ),
        interval=TEXT,
        apiVersion=Text(one_of=("v1", "v2")),
        requestTimeout=TEXT,
        secretRef=fields(name=TEXT, namespaced=FLAG),
    ),
    newRelic=needing(
        fields("A query of New Relic.", query=TEXT, profile=TEXT, timeout=LONG), "query"
    ),
    graphite=fields("A query of Graphite.", address=TEXT, query=TEXT),
    influxdb=fields("A query of InfluxDB.", profile=TEXT, query=TEXT),
    wavefront=fields("A query of Wavefront.", address=TEXT, query=TEXT),
    skywalking=fields("A query of SkyWalking.", address=TEXT, query=TEXT, interval=TEXT),
    cloudWatch=needing(
        fields(
            "Queries of CloudWatch.",
            interval=TEXT,
            metricDataQueries=Items(
                of=fields(
                    id=TEXT,
                    expression=TEXT,
                    label=TEXT,
                    metricStat=fields(
                        metric=fields(
                            dimensions=Items(of=fields(name=TEXT, value=TEXT)),
                            metricName=TEXT,
                            namespace=TEXT,
                        ),
                        period=WHOLE_OR_TEXT,
                        stat=TEXT,
                        unit=TEXT,
                    ),
                    period=WHOLE_OR_TEXT,
                    returnData=FLAG,
                )
            ),
        ),
        "metricDataQueries",
    ),
    kayenta=needing(
        fields(
            "A canary analysis of Kayenta.",
            address=TEXT,
            application=TEXT,
            canaryConfigName=TEXT,
            configurationAccountName=TEXT,
            metricsAccountName=TEXT,
            storageAccountName=TEXT,
            threshold=needing(fields(marginal=LONG, **{"pass": LONG}), "marginal", "pass"),
            lookback=FLAG,
            scopes=Items(
                of=needing(
                    fields(name=TEXT, controlScope=_SCOPE, experimentScope=_SCOPE),
                    "name",
                    "controlScope",
                    "experimentScope",
                )
            ),
        ),
        *("address", "application", "canaryConfigName", "configurationAccountName"),
        *("metricsAccountName", "storageAccountName", "threshold", "scopes"),
    ),
    plugin=told(ANY, "A metric plugin of argo-rollouts-config: its name, and its own settings."),
)
METRIC = needing(
    fields(
        name=told(TEXT, "No other metric of the run has it."),
        provider=PROVIDER,
        interval=told(TEXT, "Between two measurements, as 30s, 5m, 1h."),
        initialDelay=told(TEXT, "Before the first measurement, as 30s, 5m, 1h."),
        count=told(
            WHOLE_OR_TEXT, "How many measurements; else one, or without end with an interval."
        ),
        successCondition=told(TEXT, 'What makes a measurement good, as "result >= 0.95".'),
        failureCondition=told(TEXT, 'What makes a measurement bad, as "result[0] < 0.9".'),
        failureLimit=told(
            WHOLE_OR_TEXT, "More bad measurements than these fail it (0); -1: never."
        ),
        inconclusiveLimit=told(
            WHOLE_OR_TEXT, "More measurements that are neither make it inconclusive (0)."
        ),
        consecutiveErrorLimit=told(
            WHOLE_OR_TEXT, "More errors than these without one measurement between (4)."
        ),
        consecutiveSuccessLimit=told(
            WHOLE_OR_TEXT, "So many good ones without a bad one between end it well (0: off)."
        ),
    ),
    "name",
    "provider",
)
_COMMON = {
    "args": TEMPLATE_ARGS,
    "dryRun": DRY_RUN,
    "measurementRetention": RETENTION,
    "metrics": Items(of=METRIC, about="What is measured."),
}
TEMPLATE_SPEC = fields("", **_COMMON, templates=TEMPLATE_REFS)
RUN_SPEC = needing(
    fields(
        "",
        **_COMMON,
        terminate=told(FLAG, "Ends the run."),
        ttlStrategy=fields(
            "When the run is deleted after its end.",
            secondsAfterCompletion=WHOLE,
            secondsAfterFailure=WHOLE,
            secondsAfterSuccess=WHOLE,
        ),
    ),
    "metrics",
)
ANALYSIS_TEMPLATE: Fields = manifest(
    "AnalysisTemplate", TEMPLATE_SPEC, about="Metrics for the analyses of one namespace."
)
CLUSTER_ANALYSIS_TEMPLATE: Fields = manifest(
    "ClusterAnalysisTemplate", TEMPLATE_SPEC, about="Metrics for the analyses of all namespaces."
)
ANALYSIS_RUN: Fields = manifest("AnalysisRun", RUN_SPEC, about="One analysis that is carried out.")
