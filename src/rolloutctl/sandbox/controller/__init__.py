"""The control loops of the embedded cluster, above all a simulated Argo Rollouts controller."""

from .loops import Controllers

__all__ = ["Controllers"]
