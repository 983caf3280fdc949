"""gunicorn settings: WSGI, threads, persistent database connections."""

import os

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
