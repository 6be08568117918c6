//! CMP and CRMF messages (RFC 9810, RFC 4211), their protection, and the client and server transaction as pure state machines.

pub mod status;
