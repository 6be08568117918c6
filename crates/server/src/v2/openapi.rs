//! What the document says beside the paths.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, KnownFormat, ObjectBuilder, OpenApi, RefOr, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Certway REST v2",
        version = "2.0.0",
        description = "X.509 certificates for clients that keep their keys. Every refusal is a problem document (RFC 9457) whose `type` is stable; docs/ERRORS.md lists them. Every answer has `x-correlation-id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "certificates", description = "Enrollment and renewal"),
        (name = "revocations", description = "Revocation by the owner"),
        (name = "trust", description = "The roots to trust"),
        (name = "health", description = "Whether a CA can be asked"),
    ),
    components(schemas(api::ProblemSlug, api::v2::TrustFormat)),
)]
struct Frame;

/// A body that is no text.
pub(super) struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Binary {}

/// The document without its paths.
pub(super) fn frame() -> OpenApi {
    let mut document = <Frame as utoipa::OpenApi>::openapi();
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token that configuration knows by its SHA-256"));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme(
        "mtls",
        SecurityScheme::MutualTls {
            description: Some("A client certificate of a CA that is trusted for clients".into()),
            deprecated: None,
            extensions: None,
        },
    );
    // Either will do.
    document.security = Some(vec![
        SecurityRequirement::new("mtls", Vec::<String>::new()),
        SecurityRequirement::new("bearer", Vec::<String>::new()),
    ]);
    document
}
