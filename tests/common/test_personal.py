"""Every text-like column of ours is told to be personal or not, and whose it is."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django.db import connection, models

from crm.logs import blot
from customers.models import Customer, FieldChange
from foundation.common.personal import (
    ByStep,
    Personal,
    faults_of,
    of_customers,
    own_models,
    personal_names,
    personal_of,
    rows_sql,
)
from outreach.models import FollowUpAttempt, MessageMove

pytestmark = pytest.mark.covers("ARC-21")


def test_no_column_that_could_hold_a_name_is_left_undeclared() -> None:
    faults = [fault for model in own_models() for fault in faults_of(model)]
    assert faults == [], "declare `personal: ClassVar = Personal(…)` beside the columns (foundation/common/personal.py)"


def test_the_register_names_what_it_finds_wanting() -> None:
    class Forgotten(models.Model):
        note = models.TextField()

        class Meta:
            app_label = "trial"
            managed = False

    class HalfTold(models.Model):
        personal: ClassVar = Personal(of=None, plain=("gone", "code", "code"))
        customer_id = models.BigIntegerField()
        code = models.CharField(max_length=4)
        note = models.JSONField()

        class Meta:
            app_label = "trial"
            managed = False

    class Lost(models.Model):
        personal: ClassVar = Personal(of=ByStep("trial.nobody"), delete=True)
        words = models.TextField()

        class Meta:
            app_label = "trial"
            managed = False

    assert faults_of(Forgotten) == ["trial.Forgotten declares no `personal`"]
    assert faults_of(HalfTold) == [
        "trial.HalfTold.gone is declared and does not exist",
        "trial.HalfTold.code is declared twice",
        "trial.HalfTold.note is not declared",
        "trial.HalfTold has a customer key and says it is not of customers",
    ]
    assert faults_of(Lost) == ["trial.Lost: no app registered the step 'trial.nobody'"]


def test_a_row_is_found_by_its_key_a_path_or_the_row_above_it() -> None:
    assert rows_sql(Customer) == '"id" = ANY(%(ids)s)'
    assert rows_sql(FieldChange) == '"customer_id" = ANY(%(ids)s)'
    assert rows_sql(FollowUpAttempt) == (
        '"follow_up_id" IN (SELECT "id" FROM "outreach_followup" WHERE "customer_id" = ANY(%(ids)s))'
    )
    assert rows_sql(MessageMove) == (
        '"message_id" IN (SELECT "id" FROM "outreach_message" WHERE "customer_id" = ANY(%(ids)s))'
    )


@pytest.mark.django_db
def test_every_condition_of_the_register_is_sql_the_database_takes() -> None:
    with connection.cursor() as cursor:
        for model, said in of_customers():
            if not isinstance(said.of, ByStep):
                cursor.execute(f'SELECT 1 FROM "{model._meta.db_table}" WHERE {rows_sql(model)}', {"ids": [1]})


def test_names_of_personal_columns_are_known_and_everyday_words_are_not_among_them() -> None:
    said = personal_of(Customer)
    assert said is not None and said.is_personal("name") and not said.is_personal("home_city")
    assert {"name", "summary", "service_no", "address", "body"} <= personal_names()
    assert not {"kind", "state", "home_city", "digest", "customer_id"} & personal_names()


def test_no_log_line_carries_a_value_named_like_a_personal_column() -> None:
    event = {"event": "x", "summary": "qz", "row": 7, "note_of": "13912345678", "request": "GET /a/?q=qz"}
    assert blot(None, "info", event) == {
        "event": "x",
        "summary": "[personal]",
        "row": 7,
        "note_of": "[number]",
        "request": "GET /a/",
    }
