# Nothing but a tiny repository below /srv/apt in apt's sources, and a key below /srv/keys.
set -e
mkdir -p /srv/apt /srv/keys /etc/yum.repos.d
: > /srv/apt/Packages
cat > /srv/keys/key.asc <<'KEY'
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEZZIAgBYJKwYBBAHaRw8BAQdA9ntD4HQGYEqCpt1MfPccsEjtmfWj/UQ0EqZc
QJj6Sde0GVRlc3RzIDx0ZXN0c0BleGFtcGxlLmNvbT6IkAQTFggAOBYhBJIfIBko
n+TtdgIIQ95TmpeVUXfeBQJlkgCAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheA
AAoJEN5TmpeVUXfeEWMA/2iFQV5UqaDC30MkwrlSWi/sO+laJJUPBbY1cZV/q69e
AQDVuYfCTewHy3QIlFDJRPo0aV4/ls//0Rcbl+BaxTx0Cg==
=fP4M
-----END PGP PUBLIC KEY BLOCK-----
KEY
gpg --dearmor < /srv/keys/key.asc > /srv/keys/key.gpg
rm -rf /root/.gnupg
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/keyrings/*
printf '# deb [trusted=yes] file:/srv/apt ./ # old\n' > /etc/apt/sources.list.d/old.list
rm -rf /var/lib/apt/lists/*
apt-get update >/dev/null
