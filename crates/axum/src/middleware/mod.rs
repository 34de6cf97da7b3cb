//! What happens around every request, from the outside in (see [`crate::routes`]).

pub(crate) mod canonical;
pub(crate) mod faults;
pub(crate) mod request;
pub(crate) mod same_site;
pub(crate) mod security_headers;
