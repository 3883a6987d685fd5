"""The certificates of a cluster: an authority of its own, and what it signs."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from thunderguard.files import replacing

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both into ``folder`` and give the two files; the key is readable by its owner alone."""
        files = folder / f"{name}.crt", folder / f"{name}.key"
        for file, data in zip(files, (self.certificate, self.key), strict=True):
            keep(file, data)
        return files


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that signs certificates for 127.0.0.1 and for clients."""

    pair: Pair

    @classmethod
    def make(cls) -> Authority:
        """Make a new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("thunderguard", ())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, name, key.public_key(), *_validity(None))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(_pair(certificate, key))

    def server(self, *names: str, expires: dt.datetime | None = None) -> Pair:
        """Sign a serving certificate for 127.0.0.1, localhost and ``names``."""
        hosts = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, ("localhost", *names))]
        return self._sign("localhost", (), ExtendedKeyUsageOID.SERVER_AUTH, expires, x509.SubjectAlternativeName(hosts))

    def client(self, user: str, *groups: str, expires: dt.datetime | None = None) -> Pair:
        """Sign a certificate by which the API server knows ``user``, who is in ``groups``."""
        return self._sign(user, groups, ExtendedKeyUsageOID.CLIENT_AUTH, expires, None)

    def service_account(self, namespace: str, name: str) -> Pair:
        """Sign a certificate by which the API server takes a client for a service account."""
        user = f"system:serviceaccount:{namespace}:{name}"
        return self.client(user, "system:serviceaccounts", f"system:serviceaccounts:{namespace}")

    def _sign(
        self,
        user: str,
        groups: tuple[str, ...],
        purpose: x509.ObjectIdentifier,
        expires: dt.datetime | None,
        names: x509.SubjectAlternativeName | None,
    ) -> Pair:
        authority = x509.load_pem_x509_certificate(self.pair.certificate)
        signer = serialization.load_pem_private_key(self.pair.key, None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise ValueError("the authority was not made here")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(user, groups), authority.subject, key.public_key(), *_validity(expires))
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return _pair(builder.sign(signer, hashes.SHA256()), key)


def signing_key() -> tuple[bytes, bytes]:
    """Give a private and a public key, PEM, for the tokens of service accounts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _pem(key), public


def kubeconfig(
    file: Path, *, server: str, authority: bytes, client: Pair | None, token: str | None = None, name: str
) -> None:
    """Write a kubeconfig with one context, ``name``, readable by its owner alone."""
    user = {} if token is None else {"token": token}
    if client is not None:
        user |= {
            "client-certificate-data": base64.b64encode(client.certificate).decode(),
            "client-key-data": base64.b64encode(client.key).decode(),
        }
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    keep(file, yaml.safe_dump(content, sort_keys=False).encode())


def keep(file: Path, data: bytes) -> None:
    """Write a file that its owner alone may read."""
    with replacing(file) as out:
        out.write(data)


def _validity(expires: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC)
    return min(now, expires or now) - DAY, expires or now + 365 * DAY


def _name(user: str, groups: tuple[str, ...]) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in (*parts, (NameOID.COMMON_NAME, user))])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
