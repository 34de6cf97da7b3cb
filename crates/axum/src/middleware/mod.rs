//! What happens around every request.

pub mod canonical;
pub mod faults;
pub mod request;
pub mod same_site;
pub mod security_headers;
