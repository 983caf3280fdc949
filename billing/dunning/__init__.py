"""Arrears: which step of the ladder an account has reached, and what follows (D§13)."""
