"""Verifies an access token with PyPI `joserfc` and the JWKS, and checks that
altered tokens are rejected.

    python verify.py <origin> <algorithm> <token>
"""

import base64
import json
import sys
import urllib.request

from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

CLAIMS = ("sub", "client_id", "iat", "nbf", "exp", "jti", "sid", "scope", "roles", "auth_time", "amr")


def main(origin: str, algorithm: str, token: str) -> None:
    # The server is on this machine: ignore proxies from the environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{origin}/.well-known/jwks.json") as answer:
        keys = KeySet.import_key_set(json.load(answer))

    decoded = jwt.decode(token, keys, algorithms=[algorithm])
    assert decoded.header["alg"] == algorithm, decoded.header
    assert decoded.header["typ"] == "at+jwt", decoded.header
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": origin},
        aud={"essential": True, "value": f"{origin}/api"},
        **{name: {"essential": True, "allow_blank": True} for name in CLAIMS},
    ).validate(decoded.claims)

    header, claims, signature = token.split(".")
    other_claims = encode(json.dumps({**decoded.claims, "roles": ["owner"]}).encode())
    flipped = bytearray(decode(signature))
    flipped[len(flipped) // 2] ^= 1
    for tampered in (
        f"{header}.{other_claims}.{signature}",
        f"{header}.{claims}.{encode(bytes(flipped))}",
    ):
        try:
            jwt.decode(tampered, keys, algorithms=[algorithm])
        except BadSignatureError:
            continue
        raise AssertionError(f"accepted an altered token: {tampered}")
    print(f"joserfc: {algorithm} verified, altered tokens rejected")


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


main(*sys.argv[1:])
