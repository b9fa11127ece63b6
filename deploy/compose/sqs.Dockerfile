# A service's image with boto3 beside it; deploy/compose/sqs.yaml builds it on the image that compose.yaml builds.
ARG IMAGE
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS boto3
WORKDIR /build
COPY pyproject.toml requirements.lock ./
RUN python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["sqs"])' > sqs.txt \
 && python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --target /opt/sqs -c requirements.lock -r sqs.txt

FROM ${IMAGE} AS service
COPY --from=boto3 /opt/sqs /opt/sqs
ENV PYTHONPATH=/opt/sqs
