"""Capturing a live cluster into a snapshot. Nothing else in the package talks to a cluster."""

from thunderguard.capture.connect import Connection, connect
from thunderguard.capture.run import Options, capture

__all__ = ["Connection", "Options", "capture", "connect"]
