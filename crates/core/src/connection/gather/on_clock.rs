//! Days on a simulated clock: whatever breaks is found when the fact behind it comes of age, and its cure soon after, though
//! nobody asks.

use super::*;
use crate::{
    connection::{
        Ages,
        fake::{FakeAws, Script, Trust},
        sample,
    },
    model::ConditionType::{self, *},
};

/// Looks come at most this much later than an age: see `age`.
const SPREAD: f64 = 1.2;

/// How long until what somebody waits for is looked at again.
const AWAITED: SignedDuration = SignedDuration::from_mins(10);

fn denied(operation: Operation) -> AwsFault {
    AwsFault::new(operation, Code::AccessDenied)
}

/// What breaks, the condition that must say so, and the age of the fact behind it as in
/// docs/design/0003-reconciles-and-jobs.md.
type Breakage = (&'static str, ConditionType, SignedDuration, fn(&mut Script));

const BREAKAGES: [Breakage; 8] = [
    ("the role is refused", RoleAssumable, SignedDuration::from_hours(1), |aws| {
        aws.assume = Some(denied(Operation::AssumeRole));
    }),
    ("the role lets everybody in", ExternalIdEnforced, SignedDuration::from_hours(24), |aws| {
        aws.trust = Trust::IfExists;
    }),
    ("the account left its organization", AccountTypeVerified, SignedDuration::from_hours(6), |aws| {
        aws.membership = Ok(OrganizationMembership::Standalone);
    }),
    ("the report was deleted", ReportConfigured, SignedDuration::from_hours(6), |aws| {
        aws.exports = Ok(Vec::new());
    }),
    ("the bucket may not be listed", BucketReadable, SignedDuration::from_mins(30), |aws| {
        aws.list = Err(denied(Operation::ListBucket));
        aws.list_any_owner = Err(denied(Operation::ListBucket));
    }),
    ("the bill may not be read", BucketReadable, SignedDuration::from_mins(30), |aws| {
        aws.read = Err(denied(Operation::GetObject));
    }),
    ("the role may write to the bucket", PermissionsMinimal, SignedDuration::from_hours(24), |aws| {
        aws.allowed = Ok(vec!["s3:PutObject"]);
    }),
    ("metrics may not be listed", MetricsReadable, SignedDuration::from_hours(6), |aws| {
        aws.metrics = Err(denied(Operation::ListMetrics));
    }),
];

/// The operator's rhythm without an operator: it sleeps until a fact is due, and looks at what is.
struct Days {
    aws: std::sync::Arc<FakeAws>,
    target: Target,
    facts: Facts,
    sessions: Sessions,
    now: Timestamp,
}

impl Days {
    const AGES: Ages = Ages::with_interval(SignedDuration::from_mins(30));

    async fn begin() -> Self {
        let target = Target { metrics: Some("eu-west-1".parse().expect("a region")), ..sample::target() };
        let mut days = Self {
            aws: FakeAws::new(sample::script()),
            target,
            facts: Facts::default(),
            sessions: Sessions::default(),
            now: sample::now(),
        };
        days.look(Look::ALL).await;
        days
    }

    async fn look(&mut self, look: Look) {
        let aws = self.aws.aws();
        gather(
            ProbeRun { aws: &aws, target: &self.target, now: self.now },
            look,
            &mut self.facts,
            &mut self.sessions,
        )
        .await;
    }

    fn passes(&self, condition: ConditionType) -> bool {
        let findings = checks::run(&self.facts, &self.target, self.now);
        let finding = findings.iter().find(|finding| finding.condition == condition);
        finding.is_some_and(|finding| finding.verdict == Verdict::Pass)
    }

    /// How long it took until the condition passed, or no longer did.
    async fn until(&mut self, condition: ConditionType, passes: bool) -> SignedDuration {
        let began = self.now;
        while self.passes(condition) != passes {
            let next = Self::AGES.next_look(&self.facts, &self.target, "uid", self.now);
            assert!(next > self.now, "{condition}: a look that changes nothing is not made again at once");
            self.now = next;
            let look = Self::AGES.due(&self.facts, &self.target, "uid", self.now);
            self.look(look).await;
            assert!(self.now.duration_since(began).as_hours() < 100, "{condition} never said so");
        }
        self.now.duration_since(began)
    }
}

#[tokio::test]
async fn unasked_a_fault_is_found_within_one_age_of_its_fact_and_its_cure_within_ten_minutes() {
    for (name, condition, age, break_it) in BREAKAGES {
        let mut days = Days::begin().await;
        assert!(days.passes(condition), "{name}: {condition} does not pass to begin with");
        days.aws.change(break_it);
        let found = days.until(condition, false).await;
        assert!(found.as_secs_f64() <= age.as_secs_f64() * SPREAD, "{name}: found after {found:#}");
        days.aws.change(|script| *script = sample::script());
        let healed = days.until(condition, true).await;
        assert!(healed.as_secs_f64() <= AWAITED.as_secs_f64() * SPREAD, "{name}: healed after {healed:#}");
    }
}
