"""Tests the local provider with PyPI `authlib`: discovery, authorization code
with PKCE, ID token, userinfo, refresh, introspection and revocation.

    python provider.py <issuer> <client id> <client secret> <redirect uri>
"""

import sys
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet

SCOPE = "openid email profile"


def main(issuer: str, client_id: str, secret: str, redirect_uri: str) -> None:
    for method in ("client_secret_basic", "client_secret_post"):
        session = OAuth2Session(
            client_id,
            secret,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        test_provider(session, issuer, client_id)
        print(f"authlib: complete flow with {method}")


def test_provider(session: OAuth2Session, issuer: str, client_id: str) -> None:
    metadata = discover(session, issuer)
    verifier, nonce = generate_token(48), generate_token(24)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"],
        code_verifier=verifier,
        nonce=nonce,
        access_type="offline",
        prompt="consent",
    )
    callback = allow(url)
    token = session.fetch_token(
        metadata["token_endpoint"],
        authorization_response=callback,
        state=state,
        code_verifier=verifier,
    )
    keys = KeySet.import_key_set(session.get(metadata["jwks_uri"], withhold_token=True).json())
    claims = id_token(token, keys, issuer, client_id, nonce)
    assert claims["email"] == "ada@example.test", claims

    info = session.get(metadata["userinfo_endpoint"]).json()
    assert (info["sub"], info["name"]) == (claims["sub"], "Ada Lovelace"), info

    refresh_token, first = token["refresh_token"], token["access_token"]
    refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=refresh_token)
    assert refreshed["access_token"] != first
    assert id_token(refreshed, keys, issuer, client_id, None)["sub"] == claims["sub"]

    def introspect(value: str) -> dict:
        return session.introspect_token(metadata["introspection_endpoint"], token=value).json()

    introspected = introspect(refreshed["access_token"])
    expected = {"active": True, "sub": claims["sub"], "client_id": client_id, "aud": issuer}
    assert expected.items() <= introspected.items(), introspected

    revoked = session.revoke_token(metadata["revocation_endpoint"], token=refresh_token)
    assert revoked.status_code == 200, revoked.text
    try:
        session.refresh_token(metadata["token_endpoint"], refresh_token=refresh_token)
    except OAuthError as error:
        assert error.error == "invalid_grant", error
    else:
        raise AssertionError("the refresh token still works after revocation")
    assert introspect(refreshed["access_token"]) == {"active": False}


def discover(session: OAuth2Session, issuer: str) -> dict:
    """Lets Authlib validate the metadata, except that loopback uses http."""
    metadata = session.get(get_well_known_url(issuer, external=True), withhold_token=True).json()
    assert metadata["issuer"] == issuer, metadata
    # Authlib requires https, which loopback does not need.
    with_https = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    OpenIDProviderMetadata(with_https).validate()
    return metadata


def id_token(token: dict, keys: KeySet, issuer: str, client_id: str, nonce: str | None) -> dict:
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={"iss": {"essential": True, "value": issuer}, "aud": {"value": client_id}},
        params={"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    return claims


def allow(url: str) -> str:
    """Selects Ada on the consent page and allows everything."""
    page = requests.get(url, timeout=10)
    assert page.status_code == 200, page.text
    parts = urlsplit(url)
    form = {name: values[0] for name, values in parse_qs(parts.query).items()}
    form["requested_scope"] = form["scope"]
    form["scope"] = SCOPE.split(" ")
    form |= {"person": "ada", "decision": "allow"}
    decide = f"{parts.scheme}://{parts.netloc}{parts.path}/decide"
    answer = requests.post(decide, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


main(*sys.argv[1:])
