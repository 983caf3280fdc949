"""What the operator may tune about billing."""

from __future__ import annotations

import billing.dunning.policies  # noqa: F401  defines keys, found when Django starts
