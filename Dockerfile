# The image of awscost: one program, the libraries it loads, the certificate authorities, and no shell.
#
#   docker build -t awscost .                                      builds the program, too
#   docker build -t awscost --build-arg ROOTFS_STAGE=prebuilt DIR   packs DIR/rootfs, which tests/cluster/rootfs made
#
# The second needs no registry, as everything starts from scratch. Both give the same layout.
ARG ROOTFS_STAGE=build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release --bin awscost \
 && tests/cluster/rootfs --binary target/release/awscost --entrypoint /awscost --out /rootfs

FROM scratch AS prebuilt
COPY rootfs/ /rootfs/

FROM ${ROOTFS_STAGE} AS rootfs

FROM scratch
LABEL org.opencontainers.image.title="awscost" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=rootfs /rootfs/ /
ENV PATH=/
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["/awscost"]
