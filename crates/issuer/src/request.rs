//! One request for a certificate, as a value: where it stands, what it asks for, what is written back. Nothing here does I/O.

mod options;
mod standing;
mod status;
mod wanted;

pub use options::{CA_ANNOTATION, PROFILE_ANNOTATION};
pub use standing::{Approval, Standing, slim, standing};
pub use status::{Written, patch};
pub use wanted::{Invalid, Wanted, of_certificate_request, of_signing_request};
