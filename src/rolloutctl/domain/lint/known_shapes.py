"""The shape of each kind of Argo Rollouts."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutctl.domain.lint.analysis_shapes import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
)
from rolloutctl.domain.lint.experiment_shapes import EXPERIMENT
from rolloutctl.domain.lint.rollout_shapes import ROLLOUT
from rolloutctl.domain.lint.shapes import Fields

SHAPES: Mapping[str, Fields] = {
    "Rollout": ROLLOUT,
    "AnalysisTemplate": ANALYSIS_TEMPLATE,
    "ClusterAnalysisTemplate": CLUSTER_ANALYSIS_TEMPLATE,
    "AnalysisRun": ANALYSIS_RUN,
    "Experiment": EXPERIMENT,
}
"""By kind."""
