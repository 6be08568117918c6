//! The REST contract: types with OpenAPI schema, the problem type and a thin client.
