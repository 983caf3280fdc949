"""Solved cases found by words and filters."""
