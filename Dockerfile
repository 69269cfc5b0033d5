# docker build -t replicator .
# docker run --rm --network host -v "$PWD":/migration:ro -v /run/secrets:/run/secrets:ro replicator run
FROM python:3.13-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config
WORKDIR /source
COPY . .
RUN python -m venv /opt/replicator \
 && /opt/replicator/bin/pip install --no-cache-dir '.[fast]'

FROM python:3.13-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmariadb3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin replicator
COPY --from=build /opt/replicator /opt/replicator
ENV PATH=/opt/replicator/bin:$PATH PYTHONUNBUFFERED=1
# By number: Kubernetes' runAsNonRoot does not know names.
USER 10001
# Holds replicator.toml, transforms/ and schema/.
WORKDIR /migration
# [http] listen is 127.0.0.1:9104 by default, which is right with --network host. In a network of its own, where a kubelet or
# Prometheus asks from outside: -e REPLICATOR_HTTP__LISTEN=0.0.0.0:9104, kept from everybody else.
EXPOSE 9104
# Alive means that the main loop moves; whether it replicates says /readyz. Kubernetes wants its own probes.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9104/healthz', timeout=4)"]
ENTRYPOINT ["replicator"]
CMD ["--help"]
