"""Two archives of one person: found by an explained score, made one by two people, and taken apart again (D§5.14).

- `score`: how much two archives have in common, for a pair; `batch`: its twin in SQL over everybody, by night.
- `services`: propose, approve, refuse, withdraw, set aside. `moving`: what the approval does to each table, every
  changed column noted as a `MergeMove`; `rules`: what happens where a unique key allows one, and where both have one;
  `unfinished`: open requests for the same field, and texts nobody saved yet.
- `undoing`: takes a merge back from its moves (`putting_back`); what happened since is listed and kept.
- `following`: who asks for an absorbed archive is led to the one that took it up.
"""
