"""The pages: who may, what they show, what they cost."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.imports.models import Import
from customers.models import Customer
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.jobs.services import drop_old_files
from tests.factories import UserFactory
from tests.imports.bringing import bring, table, work

pytestmark = pytest.mark.django_db
CONTENT = table(
    ["customer_no", "name", "mobile", "gender"],
    ["A", "王小伟", "13900000001", "M"],
    ["B", "错误", "1", "F"],
    ["C", "=HYPERLINK()", "", ""],
)


def post(client, content: bytes = CONTENT, **changes):
    fields = {
        "mapping": "careline",
        "as_of": "2026-10-31",
        "unit": Import.unit.field.related_model.objects.get(parent=None).pk,
        "file": SimpleUploadedFile("c.csv", content),
        "complete": "1",
    } | changes
    return client.post("/imports/new/", fields)


def test_upload_check_preview_errors_and_run(admin, client_for, django_assert_max_num_queries):
    client = client_for(admin)
    assert client.get("/imports/new/").status_code == 200
    assert post(client).status_code == 302
    imported = work(Import.objects.get())
    page = f"/imports/{imported.ref}/"
    with django_assert_max_num_queries(14):
        shown = client.get(page).content.decode()
    # Masked: who imports has no right to the customers.
    assert "王*伟" in shown and "王小伟" not in shown and "139 **** 0001" in shown and "13900000001" not in shown
    fragment = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<div id="state"') and "<html" not in fragment

    errors = client.get(page + "errors/")
    content = b"".join(errors.streaming_content).decode("utf-8-sig")
    assert errors["Content-Type"] == "text/csv; charset=utf-8"
    assert [row[0] for row in csv.reader(io.StringIO(content))][1:] == ["3", "4"]
    assert ",'=HYPERLINK()" in content
    assert AuditEntry.objects.filter(verb="import.errors_downloaded", actor_id=admin.pk).count() == 1

    client.post(page + "run/")
    work(Import.objects.get())
    assert Customer.objects.get().name == "王小伟"
    with django_assert_max_num_queries(10):
        assert imported.number in client.get("/imports/").content.decode()

    with clock.travel(clock.now() + timedelta(days=8)):
        drop_old_files()
        assert client_for(admin).get(page + "errors/").status_code == 404


def test_the_cost_of_the_list_does_not_grow(admin, client_for):
    client = client_for(admin)
    bring(CONTENT, actor=admin)
    client.get("/imports/")
    before = _cost(client)
    for place in range(5):
        bring(table(["customer_no"], [f"X{place}"]), actor=admin)
    assert _cost(client) == before


def _cost(client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get("/imports/")
    return len(queries)


def test_wrong_forms_stay_on_the_page_with_words(admin, client_for):
    client = client_for(admin)
    for changes, field in (
        ({"as_of": "9999-12-31"}, "as_of"),
        ({"mapping": "none"}, "mapping"),
        ({"file": ""}, "file"),
        ({"file": SimpleUploadedFile("e.csv", b"")}, "file"),
        ({"complete": ""}, "__all__"),
    ):
        answer = post(client, **changes)
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not Import.objects.exists()


def test_only_those_with_the_right_come_in(root, client_for):
    imported = bring(CONTENT)
    page = f"/imports/{imported.ref}/"
    for role in ("AGENT", "TEAM_LEAD", "GM", "DPO", "POLICY_ADMIN"):
        client = client_for(UserFactory(role=role, unit=root))
        for answer in (
            client.get("/imports/"),
            client.get("/imports/new/"),
            post(client),
            client.get(page),
            client.get(page + "errors/"),
            client.post(page + "run/"),
            client.post(page + "revert/"),
        ):
            assert answer.status_code == 403, role
    assert Import.objects.count() == 1 and Customer.objects.count() == 1


def test_a_post_without_token_is_refused(admin, client_for):
    client = client_for(admin)
    client.handler.enforce_csrf_checks = True
    assert post(client).status_code == 403
    assert not Import.objects.exists()
