"""The tag library `ui`, built into every template: one import place for the parts (README lists the tags)."""

from django import template

from foundation.ui.parts import charts, formats, forms, frames, lists, marks

register = template.Library()
for part in (marks, formats, frames, lists, charts, forms):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)
