"""Argus: a self-hosted research desk for systematic traders."""

__version__ = "0.1.0"
