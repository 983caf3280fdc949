"""Groups of customers by rule (D§6.14): columns one may ask about, rules, counting, saving."""
