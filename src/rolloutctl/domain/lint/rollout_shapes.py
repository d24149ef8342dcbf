"""The shape of Rollouts."""

from __future__ import annotations

from rolloutctl.domain.lint.common_shapes import (
    DRY_RUN,
    LABELED,
    RETENTION,
    ROLLOUT_ARGS,
    SELECTOR,
    TEMPLATE_REFS,
    manifest,
)
from rolloutctl.domain.lint.pod_shapes import POD_TEMPLATE
from rolloutctl.domain.lint.routing_shapes import STRING_MATCH, TRAFFIC
from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    TEXT,
    WHOLE,
    WHOLE_OR_TEXT,
    Entries,
    Fields,
    Items,
    Text,
    fields,
    needing,
    told,
)

_ANALYSIS_FIELDS = {
    "templates": TEMPLATE_REFS,
    "args": ROLLOUT_ARGS,
    "dryRun": DRY_RUN,
    "measurementRetention": RETENTION,
    "analysisRunMetadata": LABELED,
}
_ANALYSIS = fields("An analysis; its result decides how it goes on.", **_ANALYSIS_FIELDS)
_BACKGROUND = fields(
    "An analysis that runs beside the steps.",
    **_ANALYSIS_FIELDS,
    startingStep=told(WHOLE, "The step it begins at, the first is 0."),
)
_ANTI_AFFINITY = fields(
    "Keeps pods of the two versions off the same node; exactly one of the two.",
    preferredDuringSchedulingIgnoredDuringExecution=needing(fields(weight=WHOLE), "weight"),
    requiredDuringSchedulingIgnoredDuringExecution=fields(),
)
_EXPERIMENT = needing(
    fields(
        "Versions that run side by side for a while.",
        templates=Items(
            of=needing(
                fields(
                    name=TEXT,
                    specRef=Text(one_of=("canary", "stable"), about="Whose pods they are."),
                    replicas=WHOLE,
                    weight=told(WHOLE, "Its share of the traffic; needs a router that can."),
                    selector=SELECTOR,
                    metadata=LABELED,
                    service=fields(name=TEXT),
                ),
                "name",
                "specRef",
            )
        ),
        analyses=Items(
            of=needing(
                fields(
                    name=TEXT,
                    templateName=TEXT,
                    clusterScope=FLAG,
                    requiredForCompletion=FLAG,
                    args=ROLLOUT_ARGS,
                ),
                "name",
                "templateName",
            )
        ),
        duration=told(TEXT, "As 30s, 5m, 1h."),
        scaleDownDelaySeconds=WHOLE,
        dryRun=DRY_RUN,
        analysisRunMetadata=LABELED,
    ),
    "templates",
)
_STEP = fields(
    "One step; exactly one of these.",
    setWeight=told(WHOLE, "The canary's share in percent."),
    pause=fields(
        "Waits for a person, or for so long.",
        duration=told(WHOLE_OR_TEXT, "Seconds, or as 30s, 5m, 1h; without: until promoted."),
    ),
    setCanaryScale=fields(
        "The canary's pods, apart from its traffic.",
        weight=told(WHOLE, "Percent of spec.replicas."),
        replicas=WHOLE,
        matchTrafficWeight=FLAG,
    ),
    plugin=needing(
        fields(
            "A step plugin of argo-rollouts-config.",
            name=TEXT,
            config=told(ANY, "The plugin's own settings."),
        ),
        "name",
    ),
    analysis=_ANALYSIS,
    experiment=_EXPERIMENT,
    setHeaderRoute=fields(
        "Requests with these headers go to the canary; without match the route is taken away.",
        name=told(TEXT, "One of trafficRouting.managedRoutes."),
        match=Items(
            of=needing(
                fields(headerName=TEXT, headerValue=STRING_MATCH), "headerName", "headerValue"
            )
        ),
    ),
    setMirrorRoute=needing(
        fields(
            "Requests are copied to the canary; without match the route is taken away.",
            name=told(TEXT, "One of trafficRouting.managedRoutes."),
            percentage=WHOLE,
            match=Items(
                of=fields(method=STRING_MATCH, path=STRING_MATCH, headers=Entries(of=STRING_MATCH))
            ),
        ),
        "name",
    ),
)
_CANARY = fields(
    "The new version gets its share step by step.",
    steps=Items(of=_STEP),
    canaryService=told(TEXT, "The Service that selects the new version."),
    stableService=told(TEXT, "The Service that selects the stable version."),
    canaryMetadata=LABELED,
    stableMetadata=LABELED,
    maxSurge=told(WHOLE_OR_TEXT, "Pods beyond spec.replicas, or percent of it (25%)."),
    maxUnavailable=told(WHOLE_OR_TEXT, "Pods that may be missing, or percent (25%)."),
    analysis=_BACKGROUND,
    antiAffinity=_ANTI_AFFINITY,
    trafficRouting=TRAFFIC,
    dynamicStableScale=told(FLAG, "The stable version shrinks as its traffic does."),
    pingPong=needing(
        fields("Two Services that change places.", pingService=TEXT, pongService=TEXT),
        "pingService",
        "pongService",
    ),
    minPodsPerReplicaSet=WHOLE,
    replicaProgressThreshold=needing(fields(type=TEXT, value=WHOLE), "type", "value"),
    scaleDownDelaySeconds=told(WHOLE, "Before the old pods go (30, with traffic routing)."),
    scaleDownDelayRevisionLimit=WHOLE,
    abortScaleDownDelaySeconds=told(WHOLE, "Before the canary's pods go after an abort (30)."),
)
_BLUE_GREEN = needing(
    fields(
        "The new version comes up whole, and gets all traffic at once.",
        activeService=told(TEXT, "The Service with the traffic."),
        previewService=told(TEXT, "The Service of the version that is not out yet."),
        previewReplicaCount=WHOLE,
        autoPromotionEnabled=told(FLAG, "Without a person (true)."),
        autoPromotionSeconds=told(WHOLE, "After so many seconds without a person."),
        maxUnavailable=WHOLE_OR_TEXT,
        scaleDownDelaySeconds=told(WHOLE, "Before the old pods go (30)."),
        scaleDownDelayRevisionLimit=WHOLE,
        abortScaleDownDelaySeconds=WHOLE,
        prePromotionAnalysis=_ANALYSIS,
        postPromotionAnalysis=_ANALYSIS,
        antiAffinity=_ANTI_AFFINITY,
        activeMetadata=LABELED,
        previewMetadata=LABELED,
    ),
    "activeService",
)
ROLLOUT_SPEC = fields(
    "",
    replicas=told(WHOLE, "Else 1."),
    minReadySeconds=told(WHOLE, "Ready for so long before a pod counts as available (0)."),
    paused=told(FLAG, "Held by a person."),
    progressDeadlineAbort=told(FLAG, "Aborts when the deadline is exceeded."),
    progressDeadlineSeconds=told(WHOLE, "Without progress for so long it is Degraded (600)."),
    restartAt=told(TEXT, "Pods older than this moment are restarted."),
    revisionHistoryLimit=told(WHOLE, "Old ReplicaSets that are kept (10)."),
    rollbackWindow=fields(
        "Going back to one of so many revisions skips the steps.", revisions=WHOLE
    ),
    analysis=fields(
        "Runs and experiments that are kept.",
        successfulRunHistoryLimit=WHOLE,
        unsuccessfulRunHistoryLimit=WHOLE,
    ),
    selector=SELECTOR,
    strategy=fields("One of the two.", canary=_CANARY, blueGreen=_BLUE_GREEN),
    template=POD_TEMPLATE,
    workloadRef=fields(
        "The workload that holds the template.",
        apiVersion=TEXT,
        kind=told(TEXT, "Deployment, ReplicaSet or PodTemplate."),
        name=TEXT,
        scaleDown=Text(
            one_of=("never", "onsuccess", "progressively", ""),
            about="When the workload's own pods go.",
        ),
    ),
)
ROLLOUT: Fields = manifest("Rollout", ROLLOUT_SPEC, about="Pods, and how new versions reach them.")
