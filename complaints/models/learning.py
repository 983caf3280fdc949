"""What the operator's own closed cases taught the classifier: how many cases of a topic hold a word."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from foundation.common.personal import Personal


class TopicWord(models.Model):
    """Of the newest closed cases of `topic`, `cases` hold `word`; with the empty word: how many there are. Only words
    of several customers are kept, so that no name is."""

    personal: ClassVar = Personal(of=None, plain=("word",))

    topic = models.ForeignKey("interactions.Topic", on_delete=models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=40)
    cases = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["word", "topic"], name="complaint_topic_word_once")]
