"""Static files for production: hashed, compressed, and the style layers joined into one file.

The browser would otherwise fetch `app.css` and then every file it imports; the budget is 12 requests a page.
Development and tests serve the files as they lie, without any build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

ENTRY = "ui/css/app.css"
_IMPORT = re.compile(r'@import url\("(?P<file>[\w./-]+)"\) layer\((?P<layer>\w+)\);\n?')
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


def join_layers(read: Callable[[str], str]) -> str:
    """The text of `app.css` with neighbouring imports of one layer replaced by one `@layer name { … }`.

    `read(name)` gives the text of a static file.
    """
    entry = read(ENTRY)

    def body(file: str) -> str:
        return re.sub(r"\n\s*", "\n", _COMMENT.sub("", read(f"ui/css/{file}"))).strip()

    joined = [_IMPORT.sub("", entry)]
    for layer, imports in groupby(_IMPORT.finditer(entry), key=lambda found: found["layer"]):
        files = "\n".join(body(found["file"]) for found in imports)
        joined.append(f"@layer {layer} {{\n{files}\n}}\n")
    return "".join(joined)
