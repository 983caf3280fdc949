"""Cases shared among people and units: hand-overs, parts, promises, orders, and who used the time."""
