from django.apps import AppConfig


class ComplaintsConfig(AppConfig):
    name = "complaints"
    verbose_name = "Complaints"

    def ready(self) -> None:
        """Make known what complaints stamps with unit numbers."""
        from staff.services.numbering import Stamped, register_stamped

        register_stamped(Stamped("complaints_complaint"))
        register_stamped(Stamped("complaints_complaint", unit_no="work_unit_no"))
        register_stamped(Stamped("complaints_part"))
