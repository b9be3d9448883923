# Two images: `serving` (default; no TensorFlow) and `training` (docker build --target training .).
# To pin the base by content as well, write its digest behind the tag on every FROM line:
#   docker buildx imagetools inspect python:3.11.14-slim-bookworm   ->   python:3.11.14-slim-bookworm@sha256:...

FROM python:3.11.14-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/venv
COPY requirements/serving.txt /build/
RUN /opt/venv/bin/python -m pip install --quiet --require-hashes --requirement /build/serving.txt \
    # Left out: a package that reports every start to OpenVINO's maker, device plugins for GPU and NPU, C++ headers, pip.
    && /opt/venv/bin/python -m pip uninstall --quiet --yes openvino-telemetry setuptools \
    && cd /opt/venv/lib/python3.*/site-packages/openvino \
    && rm -rf include cmake libs/cache.json libs/*_intel_gpu_plugin.so libs/*_intel_npu_plugin.so \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes pip
COPY models /build/app/models
COPY service /build/app/service
# The versions become a layer of their own, and every file is readable by the user that the image runs as. The root file
# system may be read-only, so the bytecode is written now.
RUN mv /build/app/models/store /build/store \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /build/app \
    && chmod -R a+rX /build


FROM python:3.11.14-slim-bookworm AS training
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 HOME=/tmp PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
COPY requirements/training.txt /build/
RUN /opt/venv/bin/python -m pip install --quiet --require-hashes --requirement /build/training.txt \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes openvino-telemetry
WORKDIR /app
COPY models ./models
COPY training ./training
RUN chmod -R a+rX /app
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]


FROM python:3.11.14-slim-bookworm AS serving
LABEL org.opencontainers.image.title="pykuten" \
      org.opencontainers.image.description="Files marketplace listings under the right category" \
      org.opencontainers.image.licenses="MIT"
# Weights (over 4 MiB) are mapped, so that a version that was replaced gives its memory back; pixels, bodies and rows stay
# in the heap, whose top keeps 16 MiB: glibc's fixed 128 kB would give memory back and fetch it again with every photo. One
# arena for all threads, so that each uses what another has freed: 10 MB less than with several.
ENV PATH=/opt/venv/bin:$PATH \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=4194304 \
    MALLOC_TRIM_THRESHOLD_=16777216 \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYKUTEN_HOST=0.0.0.0 \
    PYKUTEN_PORT=8000 \
    PYKUTEN_STORE=/app/models/store
RUN useradd --uid 10001 --user-group --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin pykuten
COPY --from=builder /opt/venv /opt/venv
WORKDIR /app
COPY --from=builder /build/store ./models/store
COPY --from=builder /build/app ./
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Ready means: a version is loaded and the service is not draining. No curl in the image, and no proxy for a local call.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-S", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PYKUTEN_PORT'] + '/health/ready', timeout=4)"]
# The first process of a container gets no signal that it has no handler for. Held back by env, SIGTERM waits until there is one.
CMD ["env", "--block-signal=TERM", "--block-signal=INT", "python", "-m", "service"]
