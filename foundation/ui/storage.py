"""Static files for production: hashed, compressed, and the style layers joined into one file.

The browser would otherwise fetch `app.css` and then six imported layers; the budget is 12 requests a page.
Development and tests serve the layers as they lie, without any build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

ENTRY = "ui/css/app.css"
_IMPORT = re.compile(r'@import url\("(?P<file>[\w.]+)"\) layer\((?P<layer>\w+)\);\n?')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class BundledStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, with `app.css` joined and ES module imports pointing at the hashed names."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only our own modules import by address; a package's file may show an import in a comment.
        self._patterns["ui/js/*.js"] = self._patterns.pop("*.js")

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if ENTRY in paths and not dry_run:
            joined = join_layers(lambda name: _text(paths[name]))
            self.delete(ENTRY)
            self._save(ENTRY, ContentFile(joined.encode()))
            paths = {**paths, ENTRY: (self, ENTRY)}
        yield from super().post_process(paths, dry_run, **options)


def _text(source: Any) -> str:
    storage, path = source
    with storage.open(path) as file:
        return file.read().decode()


def join_layers(read: Any) -> str:
    """The text of `app.css` with each import replaced by `@layer name { … }`.

    `read(name)` gives the text of a static file.
    """

    def layer(found: re.Match[str]) -> str:
        body = _COMMENT.sub("", read(f"ui/css/{found['file']}"))
        body = re.sub(r"\n\s*", "\n", body).strip()
        return f"@layer {found['layer']} {{\n{body}\n}}\n"

    return _IMPORT.sub(layer, read(ENTRY))
