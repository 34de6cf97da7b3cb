//! The pages of the product.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod connected_apps;
pub(crate) mod connections;
pub(crate) mod development;
pub(crate) mod docs;
pub(crate) mod errors;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod recovery;
pub(crate) mod sign_in;
