"""Delivers predictions over HTTP. Imports `models`, never `training`; nothing happens at import."""
