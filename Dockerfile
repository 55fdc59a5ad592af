# The service in one image: `digest web`, `digest worker`, `digest scheduler`, `digest migrate` are its commands.
# It needs nothing writable but /data (what is kept) and /tmp.
# Pinned by version; --build-arg PYTHON=… takes another, --build-arg BASE=python:…@sha256:… pins it by content, too.
ARG PYTHON=3.13.9
ARG BASE=python:${PYTHON}-slim-bookworm

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /source
RUN python -m venv /opt/digest
COPY requirements.txt ./
RUN /opt/digest/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY digest digest
COPY seeds seeds
COPY templates templates
COPY workers workers
RUN /opt/digest/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/digest/bin/pip uninstall -y pip \
    && python -m compileall -q /opt/digest
# The matching's machine code, for any processor of this kind; a fresh volume begins with it.
RUN DIGEST_DATA_DIR=/warm NUMBA_CPU_NAME=generic /opt/digest/bin/digest migrate --compile

FROM ${BASE}
RUN groupadd --gid 10001 digest \
    && useradd --uid 10001 --gid digest --no-create-home --home-dir /data --shell /usr/sbin/nologin digest \
    && install --directory --owner digest --group digest --mode 0700 /data
COPY --from=build /opt/digest /opt/digest
COPY --from=build --chown=digest:digest /warm/kernel /data/kernel
ENV PATH=/opt/digest/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CPU_NAME=generic \
    DIGEST_DATA_DIR=/data \
    DIGEST_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["digest"]
CMD ["web"]
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 CMD ["digest", "healthcheck", "web"]
