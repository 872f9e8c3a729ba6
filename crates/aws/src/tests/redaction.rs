//! The external ID and session keys reach AWS and nothing else: no log at any level, no error, no Debug.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt};

use super::{
    answers::{Answer, serve},
    some_keys,
};
use crate::{
    NOISY_TARGETS, Sdk,
    model::{ExternalId, Region, RoleArn},
    traits::AssumeRole,
};

const CANARY: &str = "canary-5f0c1d77-external";
const KEY: &str = "canary-secret-key";

/// Keeps what is written to it.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics while it holds this").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Assumes a role at the most talkative level a user can ask for, and gives everything that was logged or shown.
async fn said(answer: Answer) -> String {
    let caps: String = NOISY_TARGETS.iter().map(|(target, level)| format!(",{target}={level}")).collect();
    let log = Log::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    let filter = EnvFilter::new(format!("trace{caps}"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(layer));

    let url = serve(answer).await;
    let aws = Sdk::for_endpoint(&url, some_keys()).aws();
    let role: RoleArn = "arn:aws:iam::111122223333:role/awscost".parse().expect("a role");
    let region: Region = "us-east-1".parse().expect("a region");
    let external_id = ExternalId::parse(CANARY.as_bytes()).expect("an external ID");
    let request = AssumeRole {
        role: &role,
        external_id: Some(&external_id),
        session_name: "awscost-check",
        duration: SignedDuration::from_hours(1),
        policy: None,
        region: &region,
    };
    let request_shown = format!("{request:?}");
    let outcome = aws.identity.assume_role(request).await;
    tracing::trace!("the log works");
    let shown = match outcome {
        Ok(session) => format!("{session:?}"),
        Err(fault) => format!("{fault} {fault:?}"),
    };
    let log =
        String::from_utf8(log.0.lock().expect("no test panics while it holds this").clone()).expect("text");
    assert!(log.contains("the log works"));
    format!("{log}{shown}{request_shown}")
}

#[tokio::test]
async fn an_external_id_and_keys_show_nowhere() {
    let session = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>ASIACANARYCANARY</AccessKeyId><SecretAccessKey>{KEY}</SecretAccessKey>\
         <SessionToken>{KEY}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    // STS repeats the parameter it refuses.
    let refusal = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Value '{CANARY}' at \
         'externalId' failed to satisfy constraint</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    );
    for (status, body) in [(200, session), (400, refusal), (500, CANARY.to_owned())] {
        let said = said(Answer { status, headers: &[("content-type", "text/xml")], body }).await;
        assert!(!said.contains(CANARY), "status {status}: {said}");
        assert!(!said.contains(KEY), "status {status}: {said}");
    }
}
