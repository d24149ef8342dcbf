"""Why a rollout is as it is, and what each command would do about it."""

from .causes import Material, explain

__all__ = ["Material", "explain"]
