"""The clean-up of an estate as a list of steps, each tried on a model of the estate before it is told.

:func:`thunderguard.plan.build.make_plan` makes one; :mod:`thunderguard.plan.steps` has the values it consists of.
"""
