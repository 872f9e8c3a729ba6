//! The external ID of an account over its life, on a real API server, with the built operator held to what its chart lets
//! it do: made by the operator, and changed for another without a moment in which the role can't be assumed.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as `fault_catalogue.rs` does.

// What is built here is a test's ground: when it can't be laid, the test has failed, and says so.
#![allow(clippy::panic)]

mod generated;
mod only_this_secret;
mod rotated;
mod walk;

use serde_json::{Value, json};

use crate::fault_catalogue::{
    catalogue::Catalogue,
    ground::{Ground, Manner},
};

/// Ground without accounts, and an operator bounded by the chart.
async fn ground(name: &str) -> Ground {
    let manner = Manner { bounded: true, ..Manner::default() };
    Ground::raise_with(&Catalogue::read(), name, walk::SET, std::iter::empty(), manner).await
}

/// Where a scene says what the trust policy asks for.
const TRUST_ASKS: &str = "role/trust/operator/Condition";

/// What a trust policy asks for that takes any of these external IDs.
fn any_of(ids: &[&str]) -> Value {
    json!({"StringEquals": {"sts:ExternalId": ids}})
}
