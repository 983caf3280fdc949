"""What the operator may tune about imports."""

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "imports.max_file_mb",
    type="int",
    default=512,
    low=1,
    high=100_000,
    unit="MB",
    source="D",
    title=_("Largest import file"),
    help=_("Largest file that may be imported, as it is uploaded."),
)
define(
    "imports.max_unpacked_mb",
    type="int",
    default=4_096,
    low=1,
    high=1_000_000,
    unit="MB",
    source="D",
    title=_("Largest unpacked import file"),
    help=_("Largest size of an imported file once it is unpacked: stops files made to fill the disk."),
)
define(
    "imports.max_errors",
    type="int",
    unit="rows",
    default=10_000,
    low=1,
    high=1_000_000,
    source="D",
    title=_("Wrong rows that stop an import"),
    help=_("After so many wrong rows an import stops: the mapping or the file is wrong as a whole."),
)
define(
    "imports.erased_come_back",
    type="bool",
    default=False,
    source="R5",
    title=_("Imports bring erased customers back"),
    help=_(
        "Whether a file may open an archive again for somebody whose data were erased. Off, such rows are listed as"
        " wrong with the day of the erasure; who comes back as a new customer is entered by hand."
    ),
)
define(
    "imports.revert_days",
    type="int",
    default=90,
    low=1,
    high=3_650,
    unit="days",
    source="D",
    title=_("Time to revert an import"),
    help=_("How long the old values are kept by which an import can be reverted."),
)
