"""Find rows of the sample customers."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin

from customers.models import ContactPoint, Customer, FindName, FindNumber, NameGram, Subscription


def rebuild_find_rows(customer_ids: list[int]) -> None:
    names, numbers, grams = [], {}, []
    where = {}
    for row in Customer.objects.filter(pk__in=customer_ids):
        where[row.pk] = (row.unit_no, row.manager_id)
        syllables = lazy_pinyin(row.name, style=Style.NORMAL)
        names.append(
            FindName(
                customer_id=row.pk,
                unit_no=row.unit_no,
                manager_id=row.manager_id,
                name=row.name,
                pinyin="".join(syllables),
                initials="".join(part[0] for part in syllables)[:80],
                id_last4=row.id_last4,
            )
        )
        numbers[row.pk, "CUSTOMER", row.number] = None
        if row.source_no:
            numbers[row.pk, "EXTERNAL", row.source_no] = None
        for start in range(len(row.name) - 1):
            grams.append((row.name[start : start + 2], row.pk))
    for customer_id, value in ContactPoint.objects.filter(
        customer_id__in=customer_ids, kind__in=["MOBILE", "PHONE"]
    ).values_list("customer_id", "value"):
        numbers[customer_id, "PHONE", value] = None
    for customer_id, value in Subscription.objects.filter(customer_id__in=customer_ids).values_list(
        "customer_id", "service_no"
    ):
        numbers[customer_id, "LINE", value] = None
    FindName.objects.bulk_create(names, batch_size=2000)
    FindNumber.objects.bulk_create(
        (
            FindNumber(customer_id=c, kind=k, value=v, tail=v[::-1], unit_no=where[c][0], manager_id=where[c][1])
            for c, k, v in numbers
        ),
        batch_size=2000,
    )
    NameGram.objects.bulk_create(
        (NameGram(gram=g, customer_id=c, unit_no=where[c][0], manager_id=where[c][1]) for g, c in dict.fromkeys(grams)),
        batch_size=2000,
    )
