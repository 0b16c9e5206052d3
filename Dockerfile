# syntax=docker/dockerfile:1

# Built from the lockfile; the compiler stays behind in the first stage. Pin the base to a digest that you have verified
# with --build-arg NODE_IMAGE=node:26.10.0-slim@sha256:...
ARG NODE_IMAGE=node:26.10.0-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package needs an install script here: Node itself comes with the image.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN ["node", "node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]

FROM ${NODE_IMAGE} AS packages
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
# The health check asks the admin listener: set this to where `server.admin_listen` is.
ENV NODE_ENV=production GATEHOUSE_HEALTH_URL=http://127.0.0.1:9901/healthz
WORKDIR /app
# Owned by root and only read: the process runs as somebody else, and the root file system may be read-only.
COPY --from=packages /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
COPY policies ./policies
# Mount the config and its policies at /etc/gatehouse, and a volume at /var/lib/gatehouse for a sqlite store.
RUN ["node", "-e", "fs.mkdirSync('/var/lib/gatehouse', { recursive: true }); fs.chownSync('/var/lib/gatehouse', 10001, 10001)"]
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(process.env.GATEHOUSE_HEALTH_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "/etc/gatehouse/gatehouse.yaml"]
