"""What becomes of a customer's personal data when nothing demands it any more (D§5.11, D§5.12)."""
