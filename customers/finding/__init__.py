"""Finding customers: the side tables behind search, and the search itself."""

from customers.finding.rows import find_rows_sql, former_owners, rebuild_find_rows
from customers.finding.search import Found, Hit, owners_of, search, search_page

__all__ = ["Found", "Hit", "find_rows_sql", "former_owners", "owners_of", "rebuild_find_rows", "search", "search_page"]
