"""The checks of everything that has to do with analyses and experiments."""

from __future__ import annotations

from rolloutctl.domain.lint import analysis_templates, arguments, experiments
from rolloutctl.domain.lint.finding import Check

ANALYSIS_CHECKS: tuple[Check, ...] = (
    analysis_templates.check_metrics,
    analysis_templates.check_rules,
    analysis_templates.check_references,
    arguments.check_placeholders,
    arguments.check_run,
    arguments.check_twice,
    arguments.check_uses,
    experiments.check_templates,
    experiments.check_ends,
    experiments.check_placeholders,
)
