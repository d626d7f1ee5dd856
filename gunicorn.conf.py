"""How gunicorn serves the portal: one worker per core with four threads each; every setting can be read in its own manual."""

import os
from pathlib import Path

wsgi_app = "wsgi:app"
# Loaded once and shared: a worker that dies is replaced in an instant. Nothing may be open before the workers part.
preload_app = True
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
workers = int(os.environ.get("WEB_CONCURRENCY") or cores)
worker_class = "gthread"
threads = 4
# Password hashing may hold a thread for a while; the worker's own heartbeat goes on.
timeout = 30
graceful_timeout = 10
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
# The heartbeat files must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
# One control socket per user would be shared by every instance this user runs.
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "info")
