"""Every write of `staff`, split by matter: units, numbering, users, passwords, teams, shifts, absences, handover."""
