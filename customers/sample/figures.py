"""Figures measured on public data, one entry a source column; the sample operator is drawn from them.

They are distributions (deciles, shares, counts), never rows; a test measures them again on the named columns.
Where nothing public was found the figure stands in `DESIGN`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deciles:
    """Eleven values, minimum to maximum, of one column; `file` and `column` say where they were measured."""

    file: str
    column: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Counts:
    """How often each value of a column occurs."""

    file: str
    column: str
    values: dict[str, int]


TENURE_MONTHS = Deciles("telco_churn_classic", "tenure", (0, 2, 6, 12, 20, 29, 40, 50, 60, 69, 72))
AGE_YEARS = Deciles(  # ages below 10 in the source are fillers
    "cmcc_data_satisfaction", "\u5e74\u9f84", (15, 29, 33, 37, 39, 42, 47, 51, 56, 63, 91)
)
GENDER = Counts("cmcc_data_satisfaction", "\u6027\u522b", {"M": 3506, "F": 1825})
VOICE_MINUTES = Deciles(  # the maximum of the source, 29,493, is cut to twice the ninth decile
    "cmcc_voice_satisfaction", "\u5f53\u6708MOU", (0, 96, 145, 190, 239, 297, 376, 490, 649, 984, 1968)
)
DATA_GB = Deciles(
    "cmcc_data_satisfaction",
    "\u5f53\u6708GPRS\u8d44\u6e90\u4f7f\u7528\u91cf\uff08GB\uff09",
    (0, 1.48, 3.84, 6.51, 9.58, 13.15, 17.85, 23.28, 33.15, 50.0, 100.0),
)
MONTH_TO_MEAN = Deciles(  # this month's voice minutes over the mean of three; cut at twice the mean
    "cmcc_voice_satisfaction",
    "\u5f53\u6708MOU / \u524d3\u6708MOU",
    (0.0, 0.48, 0.62, 0.75, 0.86, 0.97, 1.09, 1.24, 1.44, 1.8, 2.0),
)
SMS_A_MONTH = Deciles("iranian_churn", "frequency_of_sms", (0, 0, 1, 7, 14, 21, 32, 53, 147, 240, 522))
EXTRA_FEE = Deciles(  # of those who pay any
    "cmcc_data_satisfaction",
    "\u5957\u5916\u6d41\u91cf\u8d39\uff08\u5143\uff09",
    (0.03, 2.9, 5.22, 10, 10, 18, 24, 30, 42, 60, 120),
)
EXTRA_FEE_SHARE = 0.101  # cmcc_data_satisfaction, the same column above 0
ROAMING_SHARE = 0.0926  # cmcc_voice_satisfaction, minutes roaming in other provinces above 0
LEFT_SHARE = 0.160  # iranian_churn.churn
SECOND_LINE_SHARE = 0.423  # telco_churn_full.multiple_lines = Yes
FIXED_INTERNET_SHARE = 0.789  # telco_churn_full.internet_type not empty; here of households
MARRIED_SHARE = 0.484  # telco_churn_full.married = Yes
DEPENDENTS = Counts("telco_churn_full", "number_of_dependents", {"0": 4346, "1": 436, "2": 419, "3": 435})
CONTRACT = Counts("telco_churn_full", "contract", {"Month-to-Month": 2873, "One Year": 1244, "Two Year": 1519})
PLAN_STEPS = Counts(  # monthly fee in CNY; steps under 50 occurrences are joined to their neighbour
    "cmcc_data_satisfaction",
    "\u4e3b\u5957\u9910\u6863\u4f4d",
    {
        "5": 406, "8": 515, "10": 752, "18": 478, "19": 233, "29": 218, "38": 104, "39": 77, "49": 306, "59": 213,
        "60": 195, "69": 158, "80": 270, "88": 116, "89": 69, "99": 86, "109": 72, "120": 137, "128": 547, "129": 80,
        "158": 230, "198": 208, "238": 94, "298": 90,
    },
)  # fmt: skip
STARS = Counts(  # star level -> our tier; everything below silver is ordinary
    "cmcc_voice_satisfaction",
    "\u5ba2\u6237\u661f\u7ea7\u6807\u8bc6",
    {"": 3136, "SILVER": 1027, "GOLD": 115, "PLATINUM": 67, "DIAMOND": 8},
)
HALL_VISIT_SHARE = 0.456  # cmcc_voice_satisfaction, "has been to a hall" = yes
CALLS_A_YEAR = Counts(
    "bigml_churn",
    "customer_service_calls",
    {"0": 579, "1": 943, "2": 615, "3": 333, "4": 127, "5": 47, "6": 20, "7": 9},
)
STUDENT_SHARE = 0.047  # cmcc_data_satisfaction, campus plan = yes
ALL_FIGURES: tuple[Deciles | Counts, ...] = (
    TENURE_MONTHS,
    AGE_YEARS,
    GENDER,
    VOICE_MINUTES,
    DATA_GB,
    MONTH_TO_MEAN,
    SMS_A_MONTH,
    EXTRA_FEE,
    DEPENDENTS,
    CONTRACT,
    PLAN_STEPS,
    STARS,
    CALLS_A_YEAR,
)


class DESIGN:
    """No public figure found: chosen so that every page of the product has something to show."""

    CUSTOMERS = 2_000
    COMPANIES = 40
    COMPANY_STAFF = (4, 18)
    MONTHS_OF_USE = 12
    RURAL_SHARE = 0.18
    ONLINE_SHARE = 0.25  # joined on the web or by phone: served by the call centre, not by a hall
    UNVERIFIED_SHARE = 0.06
    MISSING_BIRTHDAY_SHARE = 0.08
    EMAIL_SHARE = 0.35
    VAS_SHARE = 0.15
    LUNAR_BIRTHDAY_SHARE = 0.07
