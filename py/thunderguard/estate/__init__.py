"""The Estate: the contract that says what may run where."""

from thunderguard.estate.check import EstateMistake, check_estate
from thunderguard.estate.load import DEFAULT_ESTATE, Estate, load_estate

__all__ = ["DEFAULT_ESTATE", "Estate", "EstateMistake", "check_estate", "load_estate"]
