# The one door: TLS, and the only published port.
FROM debian:bookworm-slim

RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates curl nginx-light openssl \
 && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default

ARG NIGHTSHIFT_UID=10001
RUN useradd --uid $NIGHTSHIFT_UID --create-home nightshift
COPY docker/proxy/nginx.conf /etc/nginx/nginx.conf

ARG NIGHTSHIFT_RELEASE
LABEL nightshift.release=$NIGHTSHIFT_RELEASE
USER nightshift
CMD ["nginx", "-g", "daemon off;"]
HEALTHCHECK --interval=15s --timeout=5s --retries=6 CMD ["curl", "-fsk", "https://localhost:8443/healthy"]
