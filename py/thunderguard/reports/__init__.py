"""The formats of a report, one module each: what goes in is always a :class:`thunderguard.model.Report`."""
