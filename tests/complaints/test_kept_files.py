"""Files of mails kept aside: checked, kept, shown by name, given to a case or deleted; none twice, none lost."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from complaints.keeping import forget_old
from complaints.lifecycle import State
from complaints.mail.mailbox import poll_mailbox
from complaints.mail.receiving import receive_mail
from complaints.models import Attachment, Complaint, Entry, InMail, KeptFile, KeptMail
from complaints.services.attaching import FOLDER, drop_stray_files
from complaints.services.kept_mails import add_kept_mail, drop_kept_mail, take_kept_mail
from customers.models import ContactPoint
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.personal import steps
from foundation.policies.services import set_policy
from outreach.models import OutMessage
from tests.complaints.cases import Office, case, office
from tests.complaints.imap_peer import imap_peer
from tests.complaints.test_mail import MORNING, POLL, with_files
from tests.complaints.test_mail_reading import mail
from tests.factories import ContactPointFactory, CustomerFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n one"
LI = "li@example.test"
SHOT, PROGRAM, ODD = ("shot.png", ""), ("photo.jpg", "complaint.file_program"), ("odd.bin", "complaint.file_type")


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """A store of its own, to count what lies in it."""
    files = settings.STORAGES["default"]
    options = {**files["OPTIONS"], "location": str(tmp_path / "media")}
    settings.STORAGES = {**settings.STORAGES, "default": {**files, "OPTIONS": options}}
    return tmp_path / "media"


def lying(media: Path) -> list[bytes]:
    """The content of every file in the store."""
    return [one.read_bytes() for one in sorted(media.rglob("*")) if one.is_file()]


def aside(number: int = 1, *, sender: str = "") -> InMail:
    """A mail with a picture, a program and something nobody reads, kept aside; `sender`: of a crowd, else nobody."""
    heads = {"Message-ID": f"<aside{number}@example.test>", "From": sender}
    if sender:
        set_policy("complaints.mails_per_hour", 1, actor=None)
        first = mail(b"First words", Message_ID=f"<first{number}@example.test>", From=sender)
        assert receive_mail(first, received_at=clock.now()).state == "CASE"
    row = receive_mail(with_files(**heads).as_bytes(), received_at=clock.now())
    assert row.state == InMail.State.ASIDE
    return row


@pytest.mark.peers
@pytest.mark.covers("CMP-01", "CMP-02")
def test_files_of_a_mail_kept_aside_are_listed_fetched_and_go_with_it_to_the_case(
    client_for: Any, tmp_path: Path, settings: Any, media: Path
) -> None:
    at = office()
    letter = with_files(From="", **{"Message-ID": "<shown@example.test>"})
    with imap_peer(tmp_path) as imap:
        settings.MAIL_IN_URL = imap.url
        imap.put(letter)
        assert poll_mailbox() == 1 and imap.subjects("Refused") == ["Bill"]
    row = InMail.objects.get()
    assert receive_mail(letter.as_bytes(), received_at=clock.now()) == row  # by another way: nothing again
    assert list(KeptFile.objects.order_by("pk").values_list("name", "refused")) == [SHOT, PROGRAM, ODD]
    assert lying(media) == [PNG]
    boss: Client = client_for(at.boss)
    page = reverse("complaints:mail", args=[row.pk])
    shown = boss.get(page).content.decode()
    shot, program, _odd = KeptFile.objects.order_by("pk")
    link = reverse("complaints:mail-file", args=[row.pk, shot.pk])
    assert f'<a href="{link}">shot.png</a>' in shown and "Not kept: a program" in shown
    assert "Not kept: of a kind that is not taken" in shown and shown.count("/files/") == 1
    fetched = boss.get(link)
    assert b"".join(fetched.streaming_content) == PNG  # type: ignore[attr-defined]  # a file
    assert fetched["Content-Disposition"] == 'attachment; filename="shot.png"'
    assert AuditEntry.objects.get(verb="mail.file_fetched").detail == {"file": str(shot.pk)}
    other = aside(2)
    for address in ([row.pk, program.pk], [other.pk, shot.pk]):
        assert boss.get(reverse("complaints:mail-file", args=address)).status_code == 404
    assert client_for(at.lead).get(link).status_code == 403

    assert boss.post(page, {"act": "take"}).status_code == 302
    one = Complaint.objects.get()
    assert one.text == (
        "See the files.\n\nFiles that were not kept:\nphoto.jpg: a program\nodd.bin: of a kind that is not taken"
    )
    kept = Attachment.objects.get()
    assert (kept.complaint, kept.name, kept.path, kept.sha256) == (one, "shot.png", shot.path, shot.sha256)
    assert not KeptFile.objects.filter(kept=row.pk).exists() and len(lying(media)) == 2
    saved = boss.get(reverse("complaints:file", args=[one.pk, kept.pk]))
    assert b"".join(saved.streaming_content) == PNG  # type: ignore[attr-defined]  # a file
    assert boss.get(link).status_code == 404


def test_files_go_with_words_and_notes_and_the_writer_learns_what_was_not_kept(media: Path) -> None:
    at = office()
    row = aside(3, sender=LI)
    theirs = Complaint.objects.get()
    entry = add_kept_mail(row.pk, actor=at.boss, number=theirs.number)
    assert list(entry.attachments.values_list("name", "complaint", "by")) == [("shot.png", theirs.pk, at.boss.pk)]
    told = OutMessage.objects.get(template="complaint_files_refused")
    assert (told.params["refused"], told.params["program"], told.params["kind"]) == (2, 1, 1)
    other = case(at, State.INVESTIGATING)
    note = add_kept_mail(aside(4).pk, actor=at.boss, number=other.number)
    assert note.attachments.get().complaint == other and len(lying(media)) == 2
    assert OutMessage.objects.filter(template="complaint_files_refused").count() == 1

    long = mail(b"x" * 30_000, From="", Message_ID="<long@example.test>")
    kept = KeptFile.objects.get(kept=receive_mail(long, received_at=clock.now()).pk)
    assert (kept.name, kept.size) == ("mail.txt", 30_000)
    cut = mail(b"Cut off", From="", Message_ID="<cut@example.test>")
    mine = take_kept_mail(receive_mail(cut, received_at=clock.now(), cut=True).pk, actor=at.boss)
    assert mine.text == "Cut off\n\nFiles that were not kept:\nFile: too large"


def test_files_are_deleted_with_the_mail_dropped_expired_or_erased(
    media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    at = office()
    row = aside(5)
    with django_capture_on_commit_callbacks(execute=True) as calls, pytest.raises(RuleBroken):
        drop_kept_mail(row.pk, actor=at.boss, why="because")
    assert not calls and lying(media) == [PNG]
    with django_capture_on_commit_callbacks(execute=True):
        drop_kept_mail(row.pk, actor=at.boss, why="dropped_spam")
    assert lying(media) == [] and not KeptFile.objects.exists()

    aside(6)
    with clock.travel(clock.now() + timedelta(days=91)), django_capture_on_commit_callbacks(execute=True):
        assert forget_old() == 1
    assert lying(media) == [] and not KeptFile.objects.exists()

    aside(7, sender=LI)
    aside(8)
    customer = CustomerFactory()
    ContactPointFactory(customer=customer, kind=ContactPoint.Kind.EMAIL, value=LI)
    step = next(one for one in steps() if one.name == "complaints.kept_mails")
    assert {name: rows.count() for name, rows in step.find([customer.pk]).items()} == {
        "complaints_keptmail": 1,
        "complaints_keptfile": 3,
    }
    assert step.read is not None
    assert [one["name"] for one in step.read([customer.pk])["complaints.KeptFile"]] == [
        "shot.png",
        "photo.jpg",
        "odd.bin",
    ]
    with django_capture_on_commit_callbacks(execute=True):
        assert step.erase([customer.pk], clock.now()) == {"complaints_keptmail": 1, "complaints_keptfile": 3}
    assert lying(media) == [PNG]  # of the other mail


def test_the_sweep_knows_files_of_mails_and_takes_what_no_row_knows(media: Path) -> None:
    at = office()
    row, lost = aside(9), aside(10)
    KeptFile.objects.filter(kept=lost.pk).delete()
    with clock.travel(clock.now() + timedelta(days=3)):
        assert drop_stray_files() == 1 and lying(media) == [PNG]
        take_kept_mail(row.pk, actor=at.boss)
        assert drop_stray_files() == 0 and lying(media) == [PNG]
        path = Attachment.objects.get().path
        assert path.startswith(f"{FOLDER}/") and default_storage.exists(path)


@pytest.mark.django_db(transaction=True)
def test_two_who_decide_and_the_job_at_once_leave_each_file_once(media: Path) -> None:
    at: Office = office()
    row = aside(11)
    with clock.travel(clock.now() + timedelta(days=91)):
        race(lambda: take_kept_mail(row.pk, actor=at.boss), forget_old, lambda: take_kept_mail(row.pk, actor=at.boss))
    row.refresh_from_db()
    taken = row.state == "CASE"
    assert taken or (row.state, row.reason) == ("IGNORED", "expired")
    assert Attachment.objects.count() == Complaint.objects.count() == len(lying(media)) == taken
    assert not KeptFile.objects.exists() and not KeptMail.objects.exists()


@pytest.mark.peers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["after", "inside"])
def test_a_poller_killed_half_way_keeps_each_file_once(
    tmp_path: Path, settings: Any, processes: Any, media: Path, point: str
) -> None:
    office()
    with imap_peer(tmp_path) as imap:
        settings.MAIL_IN_URL = imap.url
        imap.put(*[with_files(From="", **{"Message-ID": f"<k{n}@example.test>"}) for n in range(4)])
        env = {"CARELINE_MAIL_IN_URL": imap.url, "CARELINE_SMTP_URL": "", "CARELINE_FILES_DIR": str(media)}
        killed = processes.start("poll", [sys.executable, "-c", POLL, "3", point, MORNING.isoformat()], env)
        assert killed.process.wait(60) == -9
        assert poll_mailbox() >= 1 and len(imap.subjects("Refused")) == 4
    assert KeptFile.objects.filter(refused="").count() == 4 == len(set(KeptFile.objects.values_list("path"))) - 1
    assert all(default_storage.exists(one.path) for one in KeptFile.objects.filter(refused=""))
    with clock.travel(max(clock.now(), MORNING) + timedelta(days=3)):
        drop_stray_files()  # what the killed one left
    assert lying(media) == [PNG] * 4 and not Entry.objects.exists()
