//! certway-ra: REST and CMP in, one enrollment line, answers out.
