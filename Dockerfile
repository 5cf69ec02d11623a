# docker build -t anystar .                                   for the CPU
# docker build -t anystar:gpu --build-arg TORCH=cu126 .       for NVIDIA GPUs; the name of a CUDA build of PyTorch
FROM python:3.11-slim
ARG TORCH=cpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/${TORCH} -c constraints.txt ".[scale]" \
    && rm -rf /src
RUN useradd --create-home anystar
USER anystar
WORKDIR /data
ENTRYPOINT ["anystar"]
CMD ["--help"]
