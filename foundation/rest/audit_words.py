"""What the log calls acts of programs."""

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, name_acts, name_kinds

name_kinds({"rest.apiclient": _("Program"), "rest.listener": _("Listener"), "rest.delivery": _("Delivery of an event")})
name_acts(
    "rest",
    title=_("Programs of other systems"),
    acts={
        "called": _("Called by a program"),
        "client_made": _("Program admitted"),
        "secret_rotated": _("Secret of a program renewed"),
        "client_ended": _("Program shut out"),
        "listener_made": _("A program wants to be told of events"),
        "listener_ended": _("A program is told no more"),
        "event_replayed": _("Event sent out again by hand"),
    },
    details={
        "resource": Detail(_("Resource")),
        "method": Detail(_("Method")),
        "status": Detail(_("Answer")),
        "id": Detail(_("Key")),
        "scopes": Detail(_("Scopes")),
        "sandbox": Detail(_("Sandbox")),
        "hours": Detail(_("Hours both hold")),
    },
)
