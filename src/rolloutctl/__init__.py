"""The command line for Argo Rollouts."""

__version__ = "0.1.0"
