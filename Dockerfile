# One image for the server and for the certificate Job.
#
#     docker build --tag pillion .
#
# BASE is any image with Python 3.11 to 3.14 as `python3`; BUILD_BASE has the same Python with venv, its headers and a
# C compiler.
# Whatever pip is told by PIP_INDEX_URL, PIP_FIND_LINKS and PIP_NO_INDEX, only files with locked hashes are installed.
ARG BASE=docker.io/library/python:3.13-slim-bookworm
ARG BUILD_BASE=docker.io/library/python:3.13-bookworm

FROM ${BUILD_BASE} AS build
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=1
WORKDIR /source
RUN python3 -m venv /builder && python3 -m venv --without-pip /opt/pillion
COPY requirements requirements
RUN /builder/bin/pip install --require-hashes --only-binary :all: \
        --requirement requirements/build.txt --requirement requirements/compile.txt \
    && /builder/bin/pip --python /opt/pillion/bin/python install --no-compile --only-binary :all: \
        --require-hashes --requirement requirements/runtime.txt
COPY . .
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheel . \
    && /builder/bin/pip --python /opt/pillion/bin/python install --no-compile --no-deps --no-index /wheel/*.whl \
    && /builder/bin/python scripts/compile_core.py /opt/pillion/lib/python3.*/site-packages /opt/pillion/bin/python
# Of Kubernetes' client only the connection is used: neither its asynchronous twin nor its thousand typed models.
ENV PYTHONDONTWRITEBYTECODE=1
RUN cd /opt/pillion \
    && /builder/bin/pip --python bin/python uninstall --yes \
        aiohappyeyeballs aiohttp aiohttp-retry aiosignal frozenlist multidict propcache yarl \
    && rm -rf lib/python3.*/site-packages/kubernetes/aio \
    && bin/python -c 'import pathlib, sys, kubernetes.client as client, injector.shell.clusters; \
        used = {getattr(module, "__file__", None) for module in list(sys.modules.values())}; \
        files = pathlib.Path(client.__file__).parent.glob("[am]*/*.py"); \
        [file.unlink() for file in files if str(file) not in used]'
# Tests of libraries, type stubs and sources of extensions are not needed to run; bytecode is, on a read-only file system.
RUN cd /opt/pillion \
    && find lib -type d \( -name tests -o -name test -o -name benchmarks \) -prune -exec rm -rf {} + \
    && find lib -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
    && find bin -type f ! -name pillion ! -name kubectl-pillion -delete \
    && bin/python -m compileall -q --invalidation-mode unchecked-hash lib

FROM ${BASE}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pillion" \
      org.opencontainers.image.description="A sidecar-injection webhook for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# kubelet takes the group from the image's own list of users. Official Python images carry pip; what serves needs none.
RUN echo 'pillion:x:65532:65532::/:/usr/sbin/nologin' >>/etc/passwd && echo 'pillion:x:65532:' >>/etc/group \
    && rm -rf /usr/local/lib/python3.*/site-packages/* /usr/local/lib/python3.*/ensurepip /usr/local/bin/pip* \
    /usr/local/bin/idle* /usr/local/bin/pydoc* /root/.cache
COPY --from=build /opt/pillion /opt/pillion
ENV PATH=/opt/pillion/bin:/usr/local/bin:/usr/bin:/bin
# The image is known to start, and Python's own modules that it needs are compiled, where the base has no bytecode.
RUN pillion --version && /opt/pillion/bin/python -c 'import injector.shell.serving, injector.shell.clusters'
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
ENTRYPOINT ["pillion"]
