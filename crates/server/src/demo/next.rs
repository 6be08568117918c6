//! The lines to try next. They stand on `demo.env`, so they are the same in every demo; proto-tests runs each of them.

/// What a line shows, and the line.
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) command: &'static str,
}

/// In an order in which each finds what it needs.
pub(super) const LINES: &[Line] = &[
    Line {
        what: "REST v1, as ONAP's clients ask: request and key in header fields",
        command: r#"curl --silent --show-error --fail --cacert "$CERTWAY_CACERT" --cert "$CERTWAY_TLS_CERT" --key "$CERTWAY_TLS_KEY" \
         -H "CSR: $(base64 < "$TRY_CSR" | tr -d '\n')" -H "PK: $(base64 < "$TRY_KEY" | tr -d '\n')" "$V1_URL""#,
    },
    Line {
        what: "REST v2: the request alone, and the key stays where it is",
        command: r#"curl --silent --show-error --fail --cacert "$CERTWAY_CACERT" --cert "$CERTWAY_TLS_CERT" --key "$CERTWAY_TLS_KEY" \
         -H "Content-Type: application/x-pem-file" -H "Idempotency-Key: try-$(date +%s)" --data-binary "@$TRY_CSR" "$V2_URL/certificates""#,
    },
    Line {
        what: "Every root to be trusted",
        command: r#"curl --silent --show-error --fail --cacert "$CERTWAY_CACERT" --cert "$CERTWAY_TLS_CERT" --key "$CERTWAY_TLS_KEY" \
         -H "Accept: application/x-pem-file" "$V2_URL/trust""#,
    },
    Line {
        what: "CMP over HTTP, with a shared secret (OpenSSL 3)",
        command: r#"openssl cmp -cmd ir -server "$CMP_URL" -ref "$CMP_REF" -secret "pass:$CMP_SECRET" \
         -subject "/O=Certway Demo/CN=printer" -sans printer.demo.example -newkey "$TRY_KEY" -certout "$OUT/printer.crt""#,
    },
    Line {
        what: "its renewal, signed with the certificate itself",
        command: r#"openssl cmp -cmd kur -server "$CMP_URL" -cert "$OUT/printer.crt" -key "$TRY_KEY" -newkey "$TRY_KEY" \
         -trusted "$CERTWAY_CACERT" -certout "$OUT/printer-2.crt""#,
    },
    Line {
        what: "its revocation, over HTTPS",
        command: r#"openssl cmp -cmd rr -server "$CMP_TLS_URL" -tls_used -tls_trusted "$CERTWAY_CACERT" -tls_cert "$CERTWAY_TLS_CERT" \
         -tls_key "$CERTWAY_TLS_KEY" -cert "$OUT/printer-2.crt" -key "$TRY_KEY" -trusted "$CERTWAY_CACERT" -oldcert "$OUT/printer-2.crt" -revreason 5"#,
    },
    Line {
        what: "certway: key, request, certificate, chain and roots in one step",
        command: r#"certway enroll --subject "O=Certway Demo,CN=web" --san dns:web.demo.example --out "$OUT/web""#,
    },
    Line {
        what: "its renewal, with a new key",
        command: r#"certway renew --out "$OUT/web""#,
    },
    Line {
        what: "what is in the files",
        command: r#"certway show "$OUT/web/tls.crt""#,
    },
    Line {
        what: "its revocation",
        command: r#"certway revoke --cert "$OUT/web/tls.crt" --reason superseded"#,
    },
];
