"""The shapes of traffic routing."""

from __future__ import annotations

from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    LABELS,
    LONG,
    TEXT,
    TEXTS,
    WHOLE,
    Fields,
    Items,
    fields,
    needing,
    told,
)

STRING_MATCH = fields("Exactly one of these.", exact=TEXT, prefix=TEXT, regex=TEXT)
_NAMED = needing(fields(name=TEXT), "name")
MANAGED_ROUTES = Items(of=_NAMED, about="Routes that steps may set, the first wins.")
_ISTIO_SERVICE = needing(
    fields(
        "A VirtualService.",
        name=told(TEXT, "NAME, or NAME.NAMESPACE."),
        routes=told(TEXTS, "Its HTTP routes; may be left out where there is one."),
        tcpRoutes=Items(of=fields(port=LONG)),
        tlsRoutes=Items(of=fields(port=LONG, sniHosts=TEXTS)),
    ),
    "name",
)
TRAFFIC: Fields = fields(
    "Who sends the canary its share.",
    managedRoutes=MANAGED_ROUTES,
    maxTrafficWeight=told(WHOLE, "The sum of all weights (100)."),
    plugins=told(ANY, "Traffic router plugins: their names, and their own settings."),
    istio=fields(
        virtualService=_ISTIO_SERVICE,
        virtualServices=Items(of=_ISTIO_SERVICE),
        destinationRule=needing(
            fields(
                name=TEXT,
                canarySubsetName=TEXT,
                stableSubsetName=TEXT,
                additionalSubsetNames=TEXTS,
            ),
            *("name", "canarySubsetName", "stableSubsetName"),
        ),
    ),
    nginx=fields(
        stableIngress=TEXT,
        stableIngresses=TEXTS,
        annotationPrefix=TEXT,
        additionalIngressAnnotations=LABELS,
        canaryIngressAnnotations=LABELS,
    ),
    alb=needing(
        fields(
            ingress=TEXT,
            ingresses=TEXTS,
            servicePort=WHOLE,
            rootService=TEXT,
            annotationPrefix=TEXT,
            stickinessConfig=needing(
                fields(enabled=FLAG, durationSeconds=LONG), "enabled", "durationSeconds"
            ),
        ),
        "servicePort",
    ),
    smi=fields(rootService=TEXT, trafficSplitName=TEXT),
    ambassador=needing(fields(mappings=TEXTS), "mappings"),
    apisix=fields(route=needing(fields(name=TEXT, rules=TEXTS), "name")),
    traefik=needing(fields(weightedTraefikServiceName=TEXT), "weightedTraefikServiceName"),
    appMesh=fields(
        virtualService=needing(fields(name=TEXT, routes=TEXTS), "name"),
        virtualNodeGroup=needing(
            fields(canaryVirtualNodeRef=_NAMED, stableVirtualNodeRef=_NAMED),
            "canaryVirtualNodeRef",
            "stableVirtualNodeRef",
        ),
    ),
)
