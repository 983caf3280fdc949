"""A billing system to try Careline against: a program of its own with its own data (`bin/billing-simulator`).

It shares no code with the product, so that neither hides a mistake of the other; the standard library alone.
"""
