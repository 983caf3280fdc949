from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "foundation.common"
    label = "common"
    verbose_name = "Common ground"
