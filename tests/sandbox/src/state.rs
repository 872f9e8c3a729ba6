//! What changes while the sandbox runs: the world, the sessions it has issued, the objects in its buckets, and stacks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::calls::CallLog;
use crate::clock::Clock;
use crate::cloudformation::Stack;
use crate::fault::Faults;
use crate::iam::Policy;
use crate::s3::ObjectStore;
use crate::world::{Secret, World};

/// Everything behind the lock.
#[derive(Debug, Default)]
pub struct State {
    pub world: World,
    /// Issued sessions by access key ID.
    pub sessions: BTreeMap<String, Session>,
    pub objects: ObjectStore,
    /// CloudFormation stacks by ARN.
    pub stacks: BTreeMap<String, Stack>,
}

/// A session that STS has issued.
#[derive(Debug, Clone)]
pub struct Session {
    pub secret: Secret,
    pub token: Secret,
    pub of: SessionOf,
    /// The session's or the federated user's name.
    pub name: String,
    pub policy: Option<Policy>,
    pub expires: Timestamp,
}

/// Whose session it is.
#[derive(Debug, Clone)]
pub enum SessionOf {
    /// A role's, by AssumeRole.
    Role {
        /// The role's ARN, with its path.
        arn: String,
    },
    /// A user's, by GetFederationToken.
    User {
        /// The user's account.
        account: String,
        /// The user's name.
        user: String,
    },
}

/// What the services, the admin interface and the handle share.
#[derive(Debug, Default)]
pub struct Shared {
    state: Mutex<State>,
    pub clock: Clock,
    pub faults: Faults,
    pub calls: CallLog,
}

impl Shared {
    pub fn new(world: World) -> Arc<Self> {
        let state = State { world, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), ..Self::default() })
    }

    /// The state. Held only for the length of one decision, never across an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
