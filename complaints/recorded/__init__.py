"""Complaints of the past from files: records, for which no clock runs and nobody is told anything (D§26)."""
