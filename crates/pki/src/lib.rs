//! Names, keys, certificates, chains and keystores: X.509 as the rest of Certway sees it.
