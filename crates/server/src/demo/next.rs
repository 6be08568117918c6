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
    // OpenSSL takes a blank in the name of a trusted file for its end, so names are short and relative here.
    Line {
        what: "CMP over HTTP, with a shared secret (OpenSSL 3)",
        command: r#"(cd "$DEMO" && openssl cmp -cmd ir -server "$CMP_URL" -ref "$CMP_REF" -secret "pass:$CMP_SECRET" \
         -subject "/O=Certway Demo/CN=printer" -sans printer.demo.example -newkey try.key -certout out/printer.crt)"#,
    },
    Line {
        what: "its renewal, signed with the certificate itself",
        command: r#"(cd "$DEMO" && openssl cmp -cmd kur -server "$CMP_URL" -cert out/printer.crt -key try.key -newkey try.key \
         -trusted ca/root.crt -certout out/printer-2.crt)"#,
    },
    Line {
        what: "its revocation, over HTTPS",
        command: r#"(cd "$DEMO" && openssl cmp -cmd rr -server "$CMP_TLS_URL" -cert out/printer-2.crt -key try.key \
         -trusted ca/root.crt -oldcert out/printer-2.crt -revreason 5 \
         -tls_used -tls_trusted ca/root.crt -tls_cert tls/client.crt -tls_key tls/client.key)"#,
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
    Line {
        what: "everything that was revoked",
        command: r#"curl --silent --show-error --fail "$CRL_URL" | openssl crl -inform DER -noout -text"#,
    },
];
