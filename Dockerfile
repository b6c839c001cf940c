# Builds the wheel and an environment with the pinned releases, then keeps only that environment.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
# As constraints: the image needs the pins of what it runs, not the development tools among them.
RUN sed -n 's/^\([a-z0-9][^ ;]*==[^ ;]*\).*/\1/p' requirements.lock > /constraints.txt \
    && python -m venv /opt/crossdock
COPY . .
RUN PIP_CONSTRAINT=/constraints.txt pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /opt/crossdock/bin/pip install --no-cache-dir --constraint /constraints.txt /wheels/*.whl \
    && /opt/crossdock/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/crossdock --create-home crossdock
COPY --from=build /opt/crossdock /opt/crossdock
ENV PATH=/opt/crossdock/bin:$PATH PYTHONUNBUFFERED=1 CROSSDOCK_READY_URL=http://127.0.0.1:8080/readyz
USER crossdock
WORKDIR /var/lib/crossdock
EXPOSE 8080 7411 7412
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['CROSSDOCK_READY_URL'], timeout=2)"]
ENTRYPOINT ["crossdock"]
CMD ["--help"]
