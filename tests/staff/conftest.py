"""The door's tests: quick password hashes, and a cache no other test process empties meanwhile."""

import pytest


@pytest.fixture(autouse=True)
def _own_door(settings, request):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": request.node.nodeid}
    }
