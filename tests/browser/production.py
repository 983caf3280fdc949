"""The site as production serves it: static files joined, hashed, compressed and kept by the browser for a year."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from foundation.ui import moulds

STORAGE = "foundation.ui.storage.BundledStaticFilesStorage"


class ProductionServer(LiveServer):
    """A live server that leaves static files to WhiteNoise, as production does."""

    def __init__(self) -> None:
        super().__init__("localhost", start=False)
        self.thread.static_handler = lambda site: site
        self.start()


@contextmanager
def served_as_in_production(folder: Path) -> Iterator[ProductionServer]:
    """A running server whose collected static files lie in `folder`."""
    storages: dict[str, Any] = settings.STORAGES | {"staticfiles": {"BACKEND": STORAGE}}
    with override_settings(STORAGES=storages, STATIC_ROOT=folder, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        moulds.forget()  # cast before, the frame names the files by their other addresses
        server = ProductionServer()
        try:
            yield server
        finally:
            server.stop()
            moulds.forget()
