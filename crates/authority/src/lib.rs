//! CAs we can ask: over CMP, or our own signer.
