"""The library of complaints: which words a case and its solution hold, so that it is found by them (D§10.3, 10.16)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.personal import Personal


class LibraryEntry(models.Model):
    """A case whose words were read. `closed_at`: of the case when they were (null: it was open); once it ends, is
    reopened or ends again they are read anew."""

    personal: ClassVar = Personal(of="complaint__customer")

    complaint = models.OneToOneField(
        Complaint, primary_key=True, on_delete=models.CASCADE, related_name="library_entry"
    )
    closed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(default=clock.now)


class LibraryWord(models.Model):
    """A word that stands in a case or its solution. A name may be one of them: the words go with the customer."""

    personal: ClassVar = Personal(of="complaint__customer", delete=True, unread=True)

    pk = models.CompositePrimaryKey("word", "complaint_id")
    word = models.CharField(max_length=40)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="library_words")
