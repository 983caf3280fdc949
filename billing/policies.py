"""What the operator may tune about billing."""

from __future__ import annotations

import billing.credit.policies
import billing.dunning.policies
import billing.mirror.policies  # noqa: F401  they define keys, found when Django starts
