"""Delivers predictions over HTTP. Imports `models`, never `training`; nothing happens at import."""

__version__ = "0.1.0"
