"""The Celery worker's link to the broker: tasks in hand outlive a lost connection.

With Redis or Valkey as broker, Celery 5.7 hands what it holds back to the broker while it closes a lost connection.
With the broker gone and another process of the pool idle, kombu 5.7 then reaches for a transport it has taken apart
already (`AttributeError: 'NoneType' object has no attribute 'hostname'` in `restore_unacked`), and the worker ends.
With the broker back at once the task is queued a second time although it still runs here; and what ends later cannot
be acknowledged on a closed channel (celery #6654), so it is delivered again after the visibility time-out.

On these brokers an acknowledgement is only the removal of a key, which any later channel can do: so the tasks are taken
out of the lost channel, go on, and belong to the next one.
"""

from __future__ import annotations

from typing import Any

from celery.utils.log import get_logger
from celery.worker import state
from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport import virtual

logger = get_logger(__name__)


class InHand:
    """Stands for the channel of messages whose connection is lost, and remembers what is answered meanwhile."""

    no_ack_consumers = None

    def __init__(self) -> None:
        self.waiting: dict[str, Any] = {}
        self.running: set[str] = set()
        self.ended: dict[str, bool] = {}

    def take_from(self, channel: virtual.Channel) -> None:
        """Take over what `channel` has delivered and nobody has acknowledged.

        A task in the pool goes on. One that has ended was not acknowledged because the connection was lost under it;
        that is made up for. What the pool has not begun is left to the broker, which delivers it again.
        """
        channel.qos._flush()
        requests = {id(request.message): request for request in state.requests.values()}
        for tag, message in channel.qos._delivered.items():
            request = requests.get(id(message))
            if request is None or request.acknowledged:
                self.ended[tag] = False
                continue
            self.waiting[tag] = message
            message.channel = self
            if request in state.active_requests:
                self.running.add(tag)
        channel.qos._delivered.clear()

    def give_to(self, channel: virtual.Channel) -> None:
        """Answer what has ended, and let `channel` count and answer the rest."""
        for tag, requeue in self.ended.items():
            if requeue:
                channel.basic_reject(tag, requeue=True)
            else:
                channel.basic_ack(tag)
        for tag, message in self.waiting.items():
            message.channel = channel
            if tag in self.running:
                # Only in this process, for the prefetch limit and a shutdown: the broker still has it.
                virtual.QoS.append(channel.qos, message, tag)
        self.waiting, self.running, self.ended = {}, set(), {}

    def basic_ack(self, tag: str, multiple: bool = False) -> None:
        self._end(tag, False)

    def basic_reject(self, tag: str, requeue: bool = False) -> None:
        self._end(tag, requeue)

    def _end(self, tag: str, requeue: bool) -> None:
        self.waiting.pop(tag, None)
        self.running.discard(tag)
        self.ended[tag] = requeue


class Consumer(CeleryConsumer):
    """Celery's consumer, named by `CELERY_WORKER_CONSUMER`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.in_hand = InHand()
        super().__init__(*args, **kwargs)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        channel = self.task_consumer.channel if self.task_consumer else None
        if isinstance(channel, virtual.Channel):
            self.in_hand.take_from(channel)
            running = len(self.in_hand.running)
            logger.warning(
                "broker lost with %s tasks running: they go on and are acknowledged when it is back", running
            )
        super().on_connection_error_after_connected(exc)

    def on_ready(self) -> None:
        if isinstance(self.task_consumer.channel, virtual.Channel):
            running, ended = len(self.in_hand.running), len(self.in_hand.ended)
            self.in_hand.give_to(self.task_consumer.channel)
            if running or ended:
                logger.warning("broker back: %s tasks still running, %s acknowledged late", running, ended)
        super().on_ready()
