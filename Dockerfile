# One image that serves, works and migrates: `anchorbolt COMMAND`. It holds no listeners: yours come in an image built FROM
# this one, as app/anchorbolt_sample/Dockerfile shows.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# Bytecode that is compiled here holds no columns: half a MiB of a pod. So a traceback underlines no part of a line in a
# library (the ^^^^). It does in your own listeners, which are compiled when the pod starts.
ENV PYTHONNODEBUGRANGES=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null \
 && python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
# The dependencies first: a change of the app alone leaves this layer, the large one, as it was.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --quiet --locked --no-dev --no-install-project --python "$(command -v python3)" \
 # A third of the wheels' weight is debug symbols (uvloop: 16 MB, of which 2 MB is code).
 && find /opt/venv -name '*.so' -exec strip --strip-debug {} +
COPY README.md LICENSE ./
COPY app/anchorbolt app/anchorbolt
RUN /opt/uv/bin/uv sync --quiet --locked --no-dev --no-editable --python "$(command -v python3)"
# Who still calls `python -m app` is told what to write now. A namespace package hides no module `app` of a team's.
COPY app/__main__.py /tmp/app/__main__.py
RUN mv /tmp/app "$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/app"
# For images built FROM this one: pip, which installs into what serves, and refuses what would break it.
COPY image/pip /opt/venv/bin/pip
COPY image/pip.py /tmp/pip.py
RUN mv /tmp/pip.py "$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pip.py" \
 && /opt/venv/bin/python -c "import importlib.metadata as m, re; print(*(re.sub(r'\[.*?\]', '', one) for one in m.requires('anchorbolt') if 'extra ==' not in one), sep='\n')" >/opt/venv/constraints.txt

FROM ${PYTHON_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="anchorbolt" \
      org.opencontainers.image.description="A Slack Bolt app that finishes what it acknowledges" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A number and no name: Kubernetes can only then tell that it is not root. var/ is for `docker run` without a volume.
RUN mkdir -p /app/var && chown 10001:10001 /app/var
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_CONSTRAINT=/opt/venv/constraints.txt \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# A team's app.py, listeners/ or package app belongs here: the working directory is first on the path.
WORKDIR /app
# Docker's own Python comes without its standard library's bytecode, and the user below may write none: what is imported
# here is compiled now, instead of at every start.
RUN PYTHONDONTWRITEBYTECODE= PYTHONNODEBUGRANGES=1 python -c "import anchorbolt.main, anchorbolt.__main__, anchorbolt.cli.serve, anchorbolt.lifecycle.start, anchorbolt.cli.migrate, anchorbolt.lifecycle.loop, asyncpg, fastapi"
USER 10001:10001
EXPOSE 3000 3001
# Exec form: SIGTERM reaches the server itself, not a shell.
ENTRYPOINT ["anchorbolt"]
CMD ["serve"]
