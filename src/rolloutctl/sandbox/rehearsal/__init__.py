"""Runs one update of a rollout on a cluster of its own, with the clock run forward."""

from .manifests import Cast, cast, missing, plugins_of, read, rollouts_of
from .outcomes import Outcomes
from .outcomes import parse as parse_outcomes
from .run import Invalid, Options, rehearse

__all__ = [
    "Cast",
    "Invalid",
    "Options",
    "Outcomes",
    "cast",
    "missing",
    "parse_outcomes",
    "plugins_of",
    "read",
    "rehearse",
    "rollouts_of",
]
