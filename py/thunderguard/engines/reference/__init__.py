"""The rules once more, in Python that is meant to be read: the arbiter other engines are compared with.

It shares with Rego the catalogue's texts and nothing else. There is no speed goal.
"""

from thunderguard.engines.reference.engine import ReferenceEngine

__all__ = ["ReferenceEngine"]
