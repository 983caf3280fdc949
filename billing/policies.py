"""What the operator may tune about billing."""

from __future__ import annotations

import billing.credit.policies
import billing.dunning.policies  # noqa: F401  both define keys, found when Django starts
