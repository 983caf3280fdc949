"""The two ways a request can be refused by our rules. Everything else is a defect."""

from __future__ import annotations


class RuleBroken(Exception):
    """A rule of the business forbids this act now.

    `code` is for machines (stable, dotted, English); `message` is for people, already translated.
    Pages show it as a form error (422), the API answers 409 with both.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(str(message))
        self.code = code
        self.message = message


class NotAllowed(RuleBroken):
    """This person may see the thing but may not do this to it (403, never 409)."""


class BadSetting(Exception):
    """A setting of the environment or of a policy cannot be used; says which, why, and what to do."""
