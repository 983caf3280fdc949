from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkspaceConfig(AppConfig):
    name = "workspace"

    def ready(self) -> None:
        """Make the places known, and the lists of these pages as files."""
        from foundation.ui.navigation import NavItem, register_nav
        from workspace import books
        from workspace.admin import draft_jobs, exporting

        for item in (
            NavItem("home", _("My desk"), "layout-dashboard", "workspace:home", "workspace.home", 10, key_hint="h"),
            NavItem("work", _("My work"), "square-check-big", "workspace:work", "outreach.work", 20, key_hint="w"),
            NavItem(
                "book",
                _("My customers"),
                "book-user",
                "workspace:book",
                "customers.manage",
                15,
                key_hint="m",
            ),
            NavItem(
                "book-managers",
                _("Customers by manager"),
                "book-user",
                "workspace:book-managers",
                "workspace.board",
                52,
            ),
            NavItem("board", _("Team board"), "gauge", "workspace:board", "workspace.board", 50, key_hint="s"),
            NavItem(
                "jobs",
                _("Background work"),
                "cog",
                "workspace:run-list",
                "jobs.view",
                60,
                section="manage",
                match=("workspace:run-",),
            ),
            NavItem(
                "hub",
                _("Event deliveries"),
                "radio-tower",
                "workspace:hub-list",
                "hub.view",
                62,
                section="manage",
            ),
            NavItem(
                "policies",
                _("Policies"),
                "sliders-horizontal",
                "workspace:policy-list",
                "policies.view",
                70,
                section="manage",
                match=("workspace:policy-",),
            ),
            NavItem(
                "calendars",
                _("Work calendars"),
                "calendar-days",
                "workspace:calendar-list",
                "calendars.view",
                80,
                section="manage",
                match=("workspace:calendar-",),
            ),
            NavItem(
                "topics",
                _("Topics"),
                "list-tree",
                "workspace:topic-list",
                "topics.view",
                85,
                section="manage",
                match=("workspace:topic-list", "workspace:topic-detail"),
            ),
            NavItem(
                "complaint-lists",
                _("Lists of complaints"),
                "git-branch",
                "workspace:cause-list",
                "complaint_lists.view",
                86,
                section="manage",
                match=(
                    "workspace:cause-",
                    "workspace:question-",
                    "workspace:topic-questions",
                    "workspace:wording-",
                ),
            ),
            NavItem("audit", _("Audit log"), "scroll-text", "workspace:audit-list", "audit.view", 90, section="manage"),
        ):
            register_nav(item)
        books.register()
        exporting.register()
        draft_jobs.register()
