"""What a person should know of a conversion, in words."""

from __future__ import annotations

from rolloutctl.domain.converting import Remark, Says
from rolloutctl.render import narrate
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, line, safe, wrap

_SCALE_DOWN = {
    "never": "the deployment keeps its pods until you scale it to 0 yourself",
    "onsuccess": "the controller scales the deployment to 0 once the rollout is Healthy",
    "progressively": "the controller takes pods from the deployment as the rollout's get ready",
}


def remark(said: Remark, surface: Surface) -> list[Line]:
    """One remark, wrapped."""
    name, detail = safe(said.name, 400), safe(said.detail, 400)
    match said.says:
        case Says.RECREATE:
            text = (
                "rollouts have no strategy Recreate: maxUnavailable 100% and maxSurge 0 let all old"
                " pods go first, but do not wait until they are gone"
            )
        case Says.DROPPED:
            text = f"{detail} has no counterpart and is left out"
        case Says.SERVICE_GUESSED:
            text = f"activeService is taken to be {detail}; --service names another"
        case Says.SCALER:
            told = narrate.event(surface, f"{detail} names the new object now")
            return wrap(told, surface.room, indent=2)
        case Says.SERVICES_EDITED:
            text = (
                f"the controller has put a pod template hash in the selectors of {detail}: apply"
                " their manifests again when the rollout is gone"
            )
        case Says.TEMPLATE_ELSEWHERE:
            text = f"the template is in {detail} already: apply that, then delete the rollout"
        case Says.MIGRATION:
            return _migration(name, detail, surface)
    return wrap(narrate.warning(surface, f"{name}: {text}"), surface.room, indent=2)


def _migration(name: str, scale_down: str, surface: Surface) -> list[Line]:
    how = [
        f"{name}: apply the rollout; the controller makes its pods beside those of the deployment",
        _SCALE_DOWN[scale_down],
        "new versions go out when the template of the deployment changes, through the rollout",
        "what scales the deployment (a HorizontalPodAutoscaler, spec.replicas) has to scale the"
        " rollout instead",
        "the way back: scale the deployment up, wait for its pods, delete the rollout",
    ]
    found: list[Line] = []
    for text in how:
        found += wrap(narrate.event(surface, *line(text)), surface.room, indent=2)
    return found
