"""Makes versions: reads a catalogue, splits it, fits, calibrates, evaluates and publishes.

Imports `models`, never `service`.
"""
