"""gunicorn settings: WSGI, threads, persistent database connections."""

import gc
import os
import re
import shutil
from pathlib import Path
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


def on_starting(server: Any) -> None:
    """The figures of all web processes of this server are added up from files, in a folder named by its address."""
    name = re.sub(r"[^0-9a-zA-Z.]+", "_", "_".join(server.cfg.bind))
    folder = Path(os.environ["CARELINE_STATE_DIR"]) / "metrics" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def post_worker_init(worker: Any) -> None:
    """What was loaded stays for the life of the process: full collections need not walk through it again."""
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """A web process ended: its gauges go, its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
