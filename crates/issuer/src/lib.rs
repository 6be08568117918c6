//! A cert-manager external issuer: CertificateRequests of its kinds go to the RA over REST v2, and chain and trusted roots are written back.
//!
//! It decides nothing about certificates: policy, journal and CA are behind the RA. It never reads a workload's private key.
