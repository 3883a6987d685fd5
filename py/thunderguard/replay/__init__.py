"""The replay: real objects of a snapshot, changed in small named ways, judged by every engine.

:func:`run_replay` tries properties on engines; :mod:`thunderguard.replay.strategies` gives the same objects to tests
of one's own.
"""

from thunderguard.replay.result import Cell, Counterexample, Replay, State
from thunderguard.replay.run import Settings, run_replay

__all__ = ["Cell", "Counterexample", "Replay", "Settings", "State", "run_replay"]
