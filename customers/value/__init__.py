"""What customers are worth and how we stand with them, month by month (D§6.1-6.4, 6.14)."""
