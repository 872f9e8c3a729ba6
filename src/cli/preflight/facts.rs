//! What a preflight knows: facts, each of them seen or with the reason why it can't be.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    aws::StsReach,
    controller::settings::{InvalidSettings, Settings},
};

/// A fact, or why it is not known: a part of a sentence behind "because".
pub(super) type SeenFact<T> = Result<T, String>;

/// Everything that is judged.
pub(super) struct PreflightFacts {
    pub place: ReleasePlace,
    /// The served definitions by kind; `None` for a kind that is not served.
    pub definitions: SeenFact<Vec<(String, Option<Value>)>>,
    /// The operator's settings, as far as they are ones.
    pub settings: SeenFact<Result<Settings, InvalidSettings>>,
    pub lease: SeenFact<LeaseRecord>,
    pub view: OperatorView,
}

/// The installation that is looked at.
pub(super) struct ReleasePlace {
    /// The operator's namespace.
    pub namespace: String,
    /// The release's name, where it can be seen.
    pub release: Option<String>,
    /// Who looks, as the API server says.
    pub user: String,
}

/// What is known from one of the two places where one can stand.
pub(super) enum OperatorView {
    /// In a pod, as the operator's ServiceAccount.
    Operator(Box<OwnView>),
    /// Anywhere else.
    Outside(Box<OutsideView>),
}

/// What only the operator can see.
pub(super) struct OwnView {
    /// The rights of the chart, and whether the API server grants each.
    pub rights: Vec<(AskedRight, SeenFact<bool>)>,
    /// What became of writes that were tried without being made, a namespace each.
    pub tries: SeenFact<Vec<WriteTries>>,
    /// STS; not asked where the certificates to trust can't be read.
    pub sts: SeenFact<StsReach>,
    pub proxy: Option<Proxy>,
    /// How far the API server's clock is ahead of this one.
    pub api_clock: SeenFact<SignedDuration>,
}

/// What an administrator can see.
pub(super) struct OutsideView {
    /// The Deployment; `None` if there is none.
    pub deployment: SeenFact<Option<Deployed>>,
    /// Watched namespaces that do not exist.
    pub missing_namespaces: SeenFact<Vec<String>>,
    /// The admission policies that are about the operator's account.
    pub policies: SeenFact<Vec<SeenPolicy>>,
}

/// One right, in one namespace or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskedRight {
    pub verb: &'static str,
    pub group: &'static str,
    /// With its subresource: `costwarehouses/status`.
    pub resource: &'static str,
    pub name: Option<String>,
    /// `None` for all namespaces.
    pub namespace: Option<String>,
}

/// What the API server said to three writes of the operator's in one namespace, none of which it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WriteTries {
    pub namespace: String,
    /// A Secret that is not the operator's to write.
    pub foreign_secret: TriedWrite,
    /// A Job of another image.
    pub foreign_job: TriedWrite,
    /// A Job of the image that the settings name.
    pub own_job: TriedWrite,
}

/// What became of a write that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TriedWrite {
    Taken,
    /// By the policy that bounds the operator.
    RefusedByPolicy,
    NoSuchNamespace,
    /// Something else: the API server's words.
    Otherwise(String),
}

/// The proxy that the environment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Host and port, without what else the variable holds.
    pub address: String,
    /// Whether it takes connections; asked only where STS gave no answer.
    pub answers: Option<bool>,
}

/// The lease of the election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaseRecord {
    /// The settings turn the election off.
    Off,
    Missing,
    /// Nobody holds it.
    Free,
    Held {
        holder: String,
        since: Option<Timestamp>,
        /// True if it was seen to change within its time.
        renewed: bool,
        /// Its time.
        lasts: Duration,
    },
}

/// The operator's Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployed {
    pub name: String,
    pub image: String,
    pub wanted: i32,
    pub available: i32,
}

/// One admission policy that is about the operator's account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SeenPolicy {
    pub name: String,
    /// What it judges: resource and operation.
    pub covers: Vec<(String, String)>,
    /// True if a binding makes it refuse.
    pub denies: bool,
    /// The image it lets Jobs have, where it says one.
    pub image: Option<String>,
}
