"""Reading Kubernetes objects from files, directories, snapshots and standard input.

``open_source`` gives a :class:`Source`: iterate it for Documents and Problems in reading order, or take its ``shards``.
``locate`` finds the line and column of a field.
"""

from thunderguard.documents.limits import DEFAULT_LIMITS, Limits
from thunderguard.documents.locate import locate
from thunderguard.documents.objects import LeftOut
from thunderguard.documents.source import Shard, Source, open_source

__all__ = ["DEFAULT_LIMITS", "LeftOut", "Limits", "Shard", "Source", "locate", "open_source"]
