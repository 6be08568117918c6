#!/usr/bin/env bash
# Makes the corpus anew: exchanges of the `openssl cmp` client with the mock server built into it (no socket is opened).
# Usage: capture.sh [OUTPUT-DIRECTORY]; needs OpenSSL 3.0 or later. Keys are made in a temporary directory and thrown away.
set -uo pipefail
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"

ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 36500 -subj "/C=XX/O=Corpus/CN=Corpus Root" -addext "keyUsage=critical,keyCertSign,cRLSign,digitalSignature" 2>/dev/null; }
leaf() { # name, subject, key arguments...
    local name=$1 subject=$2; shift 2
    openssl req -new -newkey "$@" -nodes -keyout "$name.key" -out "$name.csr" -subj "$subject" -addext "subjectAltName=DNS:$name.example.test,IP:192.0.2.7" 2>/dev/null
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -days 36500 -out "$name.crt" -extfile <(printf 'keyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:%s.example.test' "$name") 2>/dev/null
}
ca
ec=(ec -pkeyopt ec_paramgen_curve:P-256)
leaf server "/C=XX/O=Corpus/CN=server" "${ec[@]}"
leaf client "/C=XX/O=Corpus/CN=client" "${ec[@]}"
leaf fresh "/C=XX/O=Corpus/CN=fresh" "${ec[@]}"
leaf rsa "/C=XX/O=Corpus/CN=rsa" rsa:2048
leaf ed "/C=XX/O=Corpus/CN=ed" ed25519
printf '[req]\n[ext]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\nsubjectAltName=@san\n[san]\nDNS.1=a.example.test\nIP.1=192.0.2.1\nURI.1=https://example.test/x\nemail.1=a@example.test\nRID.1=1.2.3.4\ndirName.1=dn\notherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:me@example.test\n[dn]\nCN=directory\n' > ext.cnf

pbm=(-ref corpus-ref -secret pass:corpus-secret -srv_ref corpus-ref -srv_secret pass:corpus-secret -recipient "/C=XX/O=Corpus/CN=Corpus Root")
sig=(-cert client.crt -key client.key -trusted ca.crt -srv_cert server.crt -srv_key server.key -srv_trusted ca.crt)
new=(-newkey fresh.key -subject /CN=fresh -certout got.crt -out_trusted ca.crt)
ans=(-rsp_cert fresh.crt)

exchange() { # name, arguments...
    local name=$1 files_q='' files_r='' i; shift
    for i in 1 2 3 4 5 6; do files_q+=" $out/$name-$i-request.der"; files_r+=" $out/$name-$i-response.der"; done
    openssl cmp -config '' -batch -use_mock_srv -reqout "${files_q# }" -rspout "${files_r# }" "$@" >"$name.log" 2>&1
    printf '%-28s exit %s, %s messages\n' "$name" $? "$(ls "$out/$name"-*.der 2>/dev/null | wc -l)"
}

rm -f "$out"/*.der
exchange ir-pbm            -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}"
exchange ir-pbm-implicit   -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -implicit_confirm -grant_implicitconf -rsp_capubs ca.crt -rsp_extracerts "server.crt ca.crt"
exchange ir-pbm-sha512     -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -mac hmacWithSHA512 -digest sha512 -disable_confirm
exchange ir-sig            -cmd ir "${sig[@]}" "${new[@]}" "${ans[@]}"
exchange ir-names          -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -config ext.cnf -section req -reqexts ext -days 30 -issuer "/C=XX/O=Corpus/CN=Corpus Root" -geninfo 1.2.3.4:int:56789
exchange ir-polling        -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -poll_count 2 -check_after 1
exchange p10cr-polling     -cmd p10cr "${pbm[@]}" -csr fresh.csr -certout got.crt "${ans[@]}" -poll_count 2 -check_after 1
exchange ir-rsa            -cmd ir -cert rsa.crt -key rsa.key -trusted ca.crt -srv_cert rsa.crt -srv_key rsa.key -srv_trusted ca.crt -newkey rsa.key -subject /CN=rsa -certout got.crt -rsp_cert rsa.crt
exchange ir-ed25519        -cmd ir "${pbm[@]}" -newkey ed.key -subject /CN=ed -certout got.crt -rsp_cert ed.crt
exchange cr-sig            -cmd cr "${sig[@]}" "${new[@]}" "${ans[@]}" -extracerts ca.crt
exchange cr-null-subject   -cmd cr "${pbm[@]}" -newkey fresh.key -sans fresh.example.test -certout got.crt "${ans[@]}"
exchange kur-sig           -cmd kur "${sig[@]}" -newkey client.key -certout got.crt -rsp_cert client.crt
exchange kur-wrong-certid  -cmd kur "${sig[@]}" -newkey fresh.key -certout got.crt "${ans[@]}"
exchange p10cr-pbm         -cmd p10cr "${pbm[@]}" -csr fresh.csr -certout got.crt "${ans[@]}"
exchange p10cr-sig         -cmd p10cr "${sig[@]}" -csr fresh.csr -certout got.crt "${ans[@]}"
exchange rr-sig            -cmd rr "${sig[@]}" -oldcert client.crt -revreason 1 -rsp_cert client.crt
exchange rr-unknown        -cmd rr "${sig[@]}" -oldcert client.crt -rsp_cert fresh.crt
exchange genm-pbm          -cmd genm "${pbm[@]}"
exchange genm-info         -cmd genm "${sig[@]}" -infotype signKeyPairTypes
exchange popo-none         -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -popo -1
exchange popo-raverified   -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -popo 0 -accept_raverified
exchange popo-keyenc       -cmd ir "${pbm[@]}" -newkey rsa.key -subject /CN=rsa -certout got.crt -rsp_cert rsa.crt -popo 2
exchange popo-raverified-refused -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -popo 0
exchange certconf-rejects  -cmd ir "${pbm[@]}" -newkey fresh.key -subject /CN=fresh -certout got.crt -out_trusted fresh.crt -rsp_cert rsa.crt
exchange rejected-badpop   -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -pkistatus 2 -failure 9 -statusstring "no proof of possession"
exchange rejected-all-bits -cmd cr "${pbm[@]}" "${new[@]}" "${ans[@]}" -pkistatus 2 -failurebits 134217727 -statusstring "Grüße"
exchange rejected-bit-0    -cmd cr "${pbm[@]}" "${new[@]}" "${ans[@]}" -pkistatus 2 -failure 0
exchange rejected-bit-16   -cmd cr "${pbm[@]}" "${new[@]}" "${ans[@]}" -pkistatus 2 -failure 16
exchange rejected-bit-26   -cmd kur "${sig[@]}" -newkey client.key -certout got.crt -rsp_cert client.crt -pkistatus 2 -failure 26
exchange granted-with-mods -cmd cr "${pbm[@]}" "${new[@]}" "${ans[@]}" -pkistatus 1 -statusstring modified
exchange error-protected   -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -send_error -pkistatus 2 -failure 24 -statusstring "try later"
exchange error-unprotected -cmd ir "${pbm[@]}" "${new[@]}" "${ans[@]}" -send_error -send_unprot_err -unprotected_errors -failure 2
exchange wrong-secret      -cmd ir -ref corpus-ref -secret pass:wrong -srv_ref corpus-ref -srv_secret pass:corpus-secret -recipient /CN=x "${new[@]}" "${ans[@]}" -unprotected_errors
exchange unprotected       -cmd ir -unprotected_requests "${new[@]}" "${ans[@]}" -recipient /CN=x -accept_unprotected -srv_ref r -srv_secret pass:corpus-secret -send_unprotected -unprotected_errors -subject /CN=fresh
