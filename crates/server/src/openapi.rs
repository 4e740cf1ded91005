//! The OpenAPI document.

use utoipa::openapi::{
    InfoBuilder, OpenApi, SecurityRequirement,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

/// Adds what the operations have in common.
pub fn finish(mut openapi: OpenApi) -> OpenApi {
    openapi.info = InfoBuilder::new()
        .title("Edgewright")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Everything that the Studio and the command line do. Errors are problems (RFC 9457) whose `code` is stable. Times are \
             milliseconds since 1970, UTC.",
        ))
        .build();
    let components = openapi.components.get_or_insert_default();
    let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    components.add_security_scheme("key", header("x-api-key"));
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    // The name of the cookie ends with the port.
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("edgewright_4800"))),
    );
    let none: [&str; 0] = [];
    openapi.security =
        Some(["key", "bearer", "session"].iter().map(|name| SecurityRequirement::new(*name, none)).collect());
    openapi
}

/// The document as it is served and as the Studio's types are made from.
pub fn document() -> String {
    let openapi = finish(crate::routes::all().into_openapi());
    openapi.to_pretty_json().unwrap_or_default()
}
