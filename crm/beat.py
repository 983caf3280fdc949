"""The whole timetable: what happens by itself, and when.

`TICKS` are tasks that look for what is due and do it; `manage beat` sends each every so many seconds. They carry
an expiry of one period, so that workers that were away do not find a heap of them.
`SCHEDULE` are jobs (`foundation.jobs`) at instants: each instant is a unique row, so one that fell due while
nothing ran is done once, later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from foundation.jobs.timetable import Daily, EveryMinutes, Monthly, Planned


@dataclass(frozen=True)
class Tick:
    """A Celery task sent every `seconds` to `queue`."""

    task: str
    seconds: int
    queue: str = "default"


TICKS: tuple[Tick, ...] = (
    # Inserts the runs of SCHEDULE that fell due, announces waiting and lost ones.
    Tick("foundation.jobs.tasks.tick", 10, "urgent"),
    # Outbox and promises (D§5.7, D§9): each looks at a partial index on what is due.
    Tick("outreach.tasks.deliver_messages", 10),
    Tick("outreach.tasks.read_receipts", 60),
    Tick("outreach.tasks.rescue_messages", 60),
    Tick("outreach.tasks.remind_due_followups", 10, "urgent"),
    Tick("outreach.tasks.hand_over_overdue_followups", 60, "urgent"),
    # First-ask matters and suggestions (D§9).
    Tick("interactions.tasks.remind_matters", 10, "urgent"),
    Tick("interactions.tasks.lapse_offers", 60, "urgent"),
    Tick("interactions.tasks.settle_matters", 60),
    Tick("interactions.tasks.turn_shifts", 60, "urgent"),
    Tick("interactions.tasks.remind_suggestions", 60),
    # Replies in cases wait 8 seconds to be taken back (ui-guide §5 Case).
    Tick("complaints.tasks.send_replies", 10, "urgent"),
    # Arrears (D§13.4): a look into the index of what is due.
    Tick("billing.dunning.tasks.take_dunning_steps", 60),
    Tick("foundation.audit.tasks.seal_audit", 60),
    # Requests about own data (D§5.11): reminder, then the director.
    Tick("interactions.tasks.watch_rights_requests", 60, "urgent"),
    # Billing: its events, our commands to it, and restorations that are owed (D§13.2).
    Tick("billing.tasks.work_events", 10),
    Tick("billing.tasks.send_commands", 10, "urgent"),
    Tick("billing.tasks.watch_restores", 60, "urgent"),
    # Complaints (D§10.7, 23): a look into the index of due marks.
    Tick("complaints.tasks.watch_complaints", 10, "urgent"),
    # What else falls due on cases, each by its own partial index.
    Tick("complaints.tasks.settle_dues", 60, "urgent"),
    # Events for other systems: the index of what waits.
    Tick("foundation.rest.tasks.deliver_events", 10),
    # Nothing without CARELINE_MAIL_IN_URL.
    Tick("complaints.tasks.poll_mailbox", 60),
    # Complaints of the last day, by the time they came.
    Tick("complaints.tasks.suggest_group_cases", 60),
    # Words of new and ended cases: by the time and by the key, a day back.
    Tick("complaints.tasks.read_library", 60),
)

# Times of the business zone.
SCHEDULE: tuple[Planned, ...] = (
    Planned("customers.expire_search_links", EveryMinutes(60)),
    Planned("exports.expire", EveryMinutes(60)),
    # Policies decided for a later day begin to hold: the clocks that run go with them (D§1.2).
    Planned("policies.move_due_clocks", EveryMinutes(10)),
    # What billing did not tell, and accounts whose customer has come.
    Planned("billing.poll", EveryMinutes(10)),
    Planned("billing.match_accounts", EveryMinutes(60)),
    Planned("billing.compare", Daily(time(3, 10))),
    Planned("customers.mark_birthdays", Daily(time(0, 15))),
    Planned("customers.find_duplicates", Daily(time(1, 15))),
    # After the marks it reads.
    Planned("customers.remove_facts", Daily(time(0, 20))),
    Planned("customers.refresh_quality", Daily(time(0, 45))),
    # The first night after the 5th counts the month before for the last time (D§25).
    Planned("complaints.close_months", Daily(time(0, 25))),
    Planned("common.make_partitions", Daily(time(0, 30))),
    Planned("common.detach_partitions", Daily(time(1, 0))),
    Planned("interactions.judge_contacts", Daily(time(1, 30))),
    Planned("customers.erase_consent_evidence", Daily(time(2, 0))),
    Planned("common.check_integrity", Daily(time(2, 30))),
    Planned("complaints.learn_topics", Daily(time(2, 45))),
    Planned("complaints.fill_library", Daily(time(2, 50))),
    Planned("outreach.tidy", Daily(time(3, 0))),
    # Before the hour of the day's notices (D§13.4).
    Planned("billing.begin_arrears", Daily(time(4, 50))),
    # After the bills of the month before (D§6.1, 6.6); the quarter's evaluation reads its last month's value.
    Planned("customers.judge_value", Monthly(2, time(1, 30))),
    # After the value it reads (D§6.6).
    Planned("billing.judge_credit", Monthly(2, time(2, 15))),
    Planned("customers.evaluate_relationships", Monthly(5, time(1, 30), months=(1, 4, 7, 10))),
    Planned("customers.erase_due", Daily(time(2, 0))),
    Planned("imports.forget_old", Daily(time(3, 15))),
    Planned("jobs.drop_old_files", Daily(time(3, 30))),
    Planned("complaints.drop_stray_files", Daily(time(3, 45))),
    Planned("complaints.forget_complainants", Daily(time(3, 50))),
    Planned("rest.tidy", Daily(time(3, 55))),
    Planned("staff.clear_sessions", Daily(time(4, 0))),
    Planned("staff.forget_drafts", Daily(time(4, 10))),
    Planned("staff.restamp_units", Daily(time(4, 30))),
    # Tomorrow's numbers start at 1: at noon nobody draws from tomorrow's sequence (foundation.common.numbers).
    Planned("common.reset_numbers", Daily(time(12, 0))),
)
