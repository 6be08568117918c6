//! The registration authority's domain: who asks, what is allowed, what was done.
