from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Make known the archive's timeline kinds, jobs, list as a file, menu place, and what follows a moved unit."""
        from customers import exporting, jobs, lines, work_lists
        from customers.erasure import looking, returning
        from customers.merging import forgetting, reading, rules
        from customers.rest.customers import CustomerResource
        from customers.rest.parties import Individual, Organization
        from customers.segments import known
        from customers.value import deciding
        from foundation.rest.resources import register_resource
        from foundation.ui.navigation import NavItem, register_nav
        from staff.drafts import register_standing
        from staff.services.numbering import Stamped, register_stamped

        lines.register()
        rules.register()
        forgetting.register()
        register_standing(reading.survivor_of)
        jobs.register()
        known.register()
        deciding.register()
        looking.register()
        returning.register()
        exporting.register()
        work_lists.register()
        register_resource(CustomerResource(), read=_("Customers: read"), write=_("Customers: make of prospects"))
        for party in (Individual(), Organization()):
            register_resource(party, read=_("Persons and companies: read"), write=_("Persons and companies: take up"))
        with_it = ("customer_find_name", "customer_find_number", "customer_name_gram", "customers_quality_item")
        register_stamped(Stamped("customers_customer", follows=tuple((table, "customer_id") for table in with_it)))
        register_nav(
            NavItem(
                key="segments",
                label=_("Segments"),
                icon="layers",
                url_name="segments:segment-list",
                right="customers.segments",
                order=45,
                match=("segments:", "value:board"),
            )
        )
        register_nav(
            NavItem(
                key="customers",
                label=_("Customers"),
                icon="users-round",
                url_name="customers:customer-list",
                right="customers.view",
                order=20,
                match=("customers:", "value:customer"),
            )
        )
