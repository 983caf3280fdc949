from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Say which tables follow a unit that gets another number."""
        from staff.services.numbering import Stamped, register_stamped

        find = ("customer_find_name", "customer_find_number", "customer_name_gram")
        register_stamped(Stamped("customers_customer", follows=tuple((table, "customer_id") for table in find)))
