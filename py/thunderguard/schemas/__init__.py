"""The JSON schemas that this package writes to, as package data."""
