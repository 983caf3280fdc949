from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Make known what billing keeps by law, erases, writes on the timeline and stamps with unit numbers."""
        from django.utils.translation import gettext_lazy

        from billing import bellkinds, forgetting, jobs, keeping, lines, navigation, panels
        from billing.account_refs import account_refs
        from billing.credit import deciding
        from billing.credit.service import grade_of_account
        from billing.dunning import beginning, tasks, wordings  # noqa: F401  the tasks register themselves
        from billing.dunning.reading import register_grades
        from billing.monthend import running as monthend_running
        from billing.views.listener import NOTIFY
        from customers.rest.accounts import register_accounts
        from foundation.rest.scopes import register_scope
        from staff.services.numbering import Stamped, register_stamped

        keeping.register()
        forgetting.register()
        lines.register()
        wordings.register()
        beginning.register()
        bellkinds.register()
        navigation.register()
        jobs.register()
        monthend_running.register()
        panels.register()
        deciding.register()
        register_accounts(account_refs)
        register_grades(grade_of_account)
        register_scope(NOTIFY, gettext_lazy("Tell events of billing and send month-end files"))
        register_stamped(Stamped("billing_billingaccount"))
