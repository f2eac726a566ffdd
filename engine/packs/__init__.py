"""Replay packs: immutable bundles of bars that runs are identified by."""
