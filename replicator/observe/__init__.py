"""Watching a migration: pages, metrics, logs, the control socket, the service manager. All of them read one Progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from replicator.config import Config
from replicator.observe.http import HttpServer
from replicator.observe.report import Report
from replicator.observe.systemd import Service
from replicator.progress import Progress


@contextmanager
def observed(config: Config, progress: Progress, environ: Mapping[str, str]) -> Iterator[None]:
    """Serve the pages, report to the log and tell the service manager while the body runs.

    Raises ConfigError where the address is taken.
    """
    with ExitStack() as stack:
        if config.http.listen is not None:
            stack.enter_context(HttpServer(config.http.listen, progress, config.secrets))
        stack.enter_context(Report(progress))
        service = Service(progress, environ)
        service.start()
        stack.callback(service.close)
        yield
