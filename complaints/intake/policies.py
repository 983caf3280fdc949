"""What the business tunes in taking complaints: files, the public pages, learning."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "complaints.file_megabytes",
    type="int",
    unit="MB",
    default=10,
    low=1,
    high=100,
    source="D",
    title=_("Largest file of a complaint"),
    help=_("How large one file sent with a complaint may be."),
)
define(
    "complaints.files_most",
    type="int",
    unit="files",
    default=8,
    low=1,
    high=50,
    source="D",
    title=_("Files at once"),
    help=_("How many files may be sent with a complaint at once."),
)
define(
    "complaints.learn_from",
    type="int",
    unit="complaints",
    default=20_000,
    low=0,
    high=1_000_000,
    source="D",
    title=_("Closed complaints learned from"),
    help=_("From how many of the newest closed complaints the suggestion of a topic learns every night; 0: none."),
)
define(
    "complaints.former_months",
    type="int",
    unit="months",
    default=24,
    low=1,
    high=120,
    source="D",
    title=_("Complaints of former customers"),
    help=_(
        "How long after the last line ended a former customer may complain; later only what an authority brings is"
        " taken."
    ),
)
define(
    "complaints.received_before",
    type="duration",
    unit="days",
    default=timedelta(days=730),
    low=timedelta(days=1),
    high=timedelta(days=3650),
    source="R2",
    title=_("Complaints received long ago"),
    help=_("How long before its registration a complaint may have been received; older ones are a typing error."),
)
define(
    "complaints.web_forms_per_hour",
    type="int",
    unit="forms",
    default=10,
    low=1,
    high=10_000,
    source="D",
    title=_("Web complaints from one address per hour"),
    help=_("How many complaints one network address may send in by the web form within an hour."),
)
define(
    "complaints.status_tries",
    type="int",
    unit="tries",
    default=10,
    low=3,
    high=1000,
    source="D",
    title=_("Wrong tries on the status page"),
    help=_("After how many wrong pairs of number and code a network address waits before it may try again."),
)
define(
    "complaints.status_wait",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=15),
    low=timedelta(minutes=1),
    high=timedelta(days=1),
    source="D",
    title=_("Status page: wait after wrong tries"),
    help=_("How long a network address waits after too many wrong tries."),
)
define(
    "complaints.mail_megabytes",
    type="int",
    unit="MB",
    default=25,
    low=1,
    high=200,
    source="D",
    title=_("Largest mail"),
    help=_("Of a mail larger than this only the words are taken; who wrote it is asked to send the files another way."),
)
define(
    "complaints.mails_per_hour",
    type="int",
    unit="mails",
    default=20,
    low=1,
    high=10_000,
    source="D",
    title=_("Mails from one address per hour"),
    help=_("More mails of one sender within an hour are kept aside: two machines may be answering each other."),
)
define(
    "complaints.recorded_topic_share",
    type="int",
    unit="%",
    default=40,
    low=1,
    high=100,
    source="D",
    title=_("Suggested topics of imported complaints"),
    help=_("How sure the words of an imported complaint must be of a topic for it to be given that one, as suggested."),
)
define(
    "complaints.kept_mails",
    type="duration",
    unit="days",
    default=timedelta(days=90),
    low=timedelta(days=7),
    high=timedelta(days=730),
    source="D",
    title=_("Mails kept aside"),
    help=_("How long what a mail kept aside says is kept for somebody to decide about it; then it is forgotten."),
)
