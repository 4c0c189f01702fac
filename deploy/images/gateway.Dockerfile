# syntax=docker/dockerfile:1
# The gateway: Debian's nginx and the template of deploy/gateway, rendered from the environment at each start.
#   docker build -f deploy/images/gateway.Dockerfile -t padlock-gateway:0.1.0 .
# The base is named by its tag; how to pin its digest stands in deploy/images/Dockerfile.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
COPY deploy/images/gateway.txt /build/lock.txt
RUN python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement /build/lock.txt
COPY deploy/__init__.py /app/deploy/__init__.py
COPY deploy/local/__init__.py deploy/local/gateway.py deploy/local/layout.py deploy/local/parts.py \
     deploy/local/passwords.py deploy/local/ports.py deploy/local/probes.py deploy/local/programs.py \
     deploy/local/stack.py /app/deploy/local/
COPY deploy/images/__init__.py deploy/images/gateway.py /app/deploy/images/
COPY deploy/images/tools /app/tools
COPY deploy/gateway /app/deploy/gateway
RUN ["python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/opt/venv/lib", "/app"]

FROM ${PYTHON_IMAGE}
# The version that every test of the gateway runs with; Debian mends its faults under the same number.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nginx-light=1.22.* \
 && rm -rf /var/lib/apt/lists/*
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="padlock-gateway" \
      org.opencontainers.image.description="Gateway of Padlock" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/sbin:/usr/bin \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8 \
    TZ=UTC
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["python", "-m", "tools.probe", "--listens", "8443"]
ENTRYPOINT ["python", "-m", "deploy.images.gateway"]
