"""People of ours in the words of messages: a parameter holds the id, the name is read when the message leaves."""

from __future__ import annotations

from django import template

from staff.models import User

register = template.Library()


@register.simple_tag
def person_called(pk: int) -> User:
    """The member of staff with this id. Raises User.DoesNotExist."""
    return User.objects.get(pk=pk)
