"""What everything else stands on: runtime, registries, files, checkpoints, contracts for tests.

Import the submodule that has what you need; nothing is handed on from here.
"""
