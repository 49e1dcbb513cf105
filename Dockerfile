# Belfry as an image that holds the binary, the certificates of public CAs, and
# an empty /data. Time zones are in the binary.
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t belfry .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:3000:3000 -v belfry-data:/data \
#     -e BELFRY_API_KEYS="$(openssl rand -hex 24)" belfry

FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web ./
RUN mkdir -p ../internal/page/dist && node build/build.mjs

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY LICENSE LICENSE
COPY .ci/notices .ci/notices
COPY cmd cmd
COPY internal internal
COPY --from=page /src/internal/page/dist internal/page/dist
COPY --from=page /src/web/package.json web/package.json
COPY --from=page /src/web/node_modules/preact/LICENSE web/node_modules/preact/LICENSE
COPY --from=page /src/web/node_modules/uplot/LICENSE web/node_modules/uplot/LICENSE
ARG VERSION=dev
# With the VERSION of `make build` this is the same binary, byte for byte.
RUN go mod verify \
 && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X github.com/belfry-scheduler/belfry/internal/cli.version=${VERSION}" \
      -o /out/belfry ./cmd/belfry \
 && .ci/notices > /out/LICENCES \
 && mkdir -m 700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/belfry /belfry
COPY --from=build /out/LICENCES /LICENCES
# A volume that is made here is owned as the folder in the image is.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# The database is ./data/jobs.db, unless DATABASE_URL or DB_PATH says otherwise:
# a DB_PATH that the image sets would contradict the former.
WORKDIR /
VOLUME /data
# Without a key Belfry listens on loopback only, where nothing outside the
# container reaches it: give it BELFRY_API_KEYS.
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/belfry", "health"]
ENTRYPOINT ["/belfry"]
CMD ["serve"]
