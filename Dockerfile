# syntax=docker/dockerfile:1
# Any Debian 12 or newer: its own Python is used, so that builder and result have the same one.
ARG BASE_IMAGE=debian:bookworm-slim

# --- The environment, made where pip and build tools may be -----------------------------------------------
FROM ${BASE_IMAGE} AS build
# Where packages come from can be set: PIP_INDEX_URL for a mirror, PIP_NO_INDEX and PIP_FIND_LINKS for a folder
# of wheels that is mounted during the build.
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/s3.txt requirements/
# Wheels alone: what would have to be compiled stops the build.
RUN python3 -m venv --copies /opt/ecatalog/venv \
    && /opt/ecatalog/venv/bin/pip install --require-hashes --only-binary :all: --requirement requirements/s3.txt
COPY LICENSE README.md CHANGELOG.md MANIFEST.in setup.py pyproject.toml wsgi.py gunicorn.conf.py .env.example ./
COPY requirements/ requirements/
COPY migrations/ migrations/
COPY ecatalog/ ecatalog/
RUN /opt/ecatalog/venv/bin/pip install --no-deps . \
    && cp gunicorn.conf.py /opt/ecatalog/ \
    && /opt/ecatalog/venv/bin/pip uninstall --yes pip setuptools

# --- What runs ---------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="E-Catalog" \
      org.opencontainers.image.description="A fast, safe REST catalogue in front of 1C:Enterprise" \
      org.opencontainers.image.licenses="MIT"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 ecatalog \
    && useradd --system --uid 10001 --gid ecatalog --home-dir /srv/ecatalog --no-create-home --shell /usr/sbin/nologin ecatalog \
    && install --directory --owner ecatalog --group ecatalog /srv/ecatalog /srv/ecatalog/media /srv/ecatalog/static
COPY --from=build /opt/ecatalog /opt/ecatalog
ENV PATH=/opt/ecatalog/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FLASK_APP=wsgi \
    BIND=0.0.0.0 \
    PORT=8000 \
    MEDIA_STORAGE=/srv/ecatalog/media
WORKDIR /srv/ecatalog
USER 10001:10001
EXPOSE 8000
VOLUME ["/srv/ecatalog/media"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s/readyz' % os.environ['PORT'], timeout=4)"]
CMD ["gunicorn", "--config", "/opt/ecatalog/gunicorn.conf.py", "wsgi:app"]
