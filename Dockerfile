# Builds dunlin and puts the one binary on a small Debian. Policies, templates and defaults are compiled in; settings
# come from a mounted file (DUNLIN_CONFIG) and from variables, secrets from mounted files. State lies in /var/lib/dunlin.

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
# The image is the toolchain: without rust-toolchain.toml rustup has nothing to fetch.
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin dunlin \
    && mkdir -p /out/state \
    && strip -o /out/dunlin target/release/dunlin

FROM debian:bookworm-slim
# The only thing that TLS needs beside the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/dunlin /usr/local/bin/dunlin
# A number, so that Kubernetes can see that it is not root (runAsNonRoot). A new named volume takes over the owner.
COPY --from=build --chown=10001:10001 /out/state /var/lib/dunlin
USER 10001:10001
WORKDIR /var/lib/dunlin
VOLUME /var/lib/dunlin
ENV DUNLIN__STORE__PATH=/var/lib/dunlin/dunlin.db \
    DUNLIN__LOG__FORMAT=json
EXPOSE 9464
# Longer than worker.drain_timeout_secs: give `docker stop` --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["dunlin", "healthcheck"]
ENTRYPOINT ["dunlin"]
CMD ["run"]
