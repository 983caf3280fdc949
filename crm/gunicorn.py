"""gunicorn settings: WSGI, threads, persistent database connections."""

import os
import shutil
import tempfile
from typing import Any

bind = os.environ.get("CARELINE_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("CARELINE_WEB_WORKERS", "2"))
threads = int(os.environ.get("CARELINE_WEB_THREADS", "4"))
worker_class = "gthread"
timeout = 60
graceful_timeout = 20
keepalive = 15
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None
preload_app = False

# The figures of all web processes of this server are added up from files; the folder lives as long as the server.
_figures = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="careline-metrics-")


def child_exit(server: Any, worker: Any) -> None:
    """A web process ended: its gauges go, its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    shutil.rmtree(_figures, ignore_errors=True)
