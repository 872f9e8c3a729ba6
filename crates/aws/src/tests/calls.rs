//! Every call is heard by the observer, once it has ended, under its own name.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use awscost_sandbox::{Fault, Rule};

use super::{
    answers::{Answer, call, serve},
    sandbox::{demo, sdk},
    some_keys,
};
use crate::{CallObserver, Code, EndedCall, Operation, Sdk};

/// Writes down what it hears.
#[derive(Default)]
struct Ear(Mutex<Vec<EndedCall>>);

impl Ear {
    fn heard(&self) -> Vec<EndedCall> {
        self.0.lock().expect("no test panics while it holds this").clone()
    }
}

impl CallObserver for Ear {
    fn note_call(&self, call: EndedCall) {
        self.0.lock().expect("no test panics while it holds this").push(call);
    }
}

#[tokio::test]
async fn every_operation_is_heard_under_its_own_name() {
    let url = serve(Answer { status: 403, headers: &[], body: String::new() }).await;
    for operation in Operation::ALL {
        let ear = Arc::new(Ear::default());
        let aws = Sdk::for_endpoint(&url, some_keys()).heard_by(ear.clone()).aws();
        call(&aws, *operation).await.expect_err("refused");
        let heard = ear.heard();
        let first = heard.first().unwrap_or_else(|| panic!("{operation} was not heard"));
        assert_eq!((first.operation, first.failure), (*operation, Some(Code::AccessDenied)));
        assert_eq!(first.outcome(), "AccessDenied");
    }
}

#[tokio::test]
async fn an_answer_is_heard_as_ok_with_the_time_it_took() {
    let sandbox = demo();
    let ear = Arc::new(Ear::default());
    let aws = sdk(&sandbox).heard_by(ear.clone()).aws();
    sandbox.faults().add(Rule::on("sts", "GetCallerIdentity", Fault::Latency { millis: 50 }).times(1));
    aws.identity.base_caller().await.expect("the keys are known");
    let [heard] = ear.heard()[..] else { panic!("one call: {:?}", ear.heard()) };
    assert_eq!((heard.operation, heard.outcome()), (Operation::GetCallerIdentity, "ok"));
    assert!(heard.took >= Duration::from_millis(50), "{heard:?}");
}

#[tokio::test]
async fn every_try_of_a_call_to_sts_takes_its_turn() {
    let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
    let url = serve(Answer { status: 400, headers: &[], body: throttled.to_owned() }).await;
    for operation in [Operation::GetCallerIdentity, Operation::AssumeRole, Operation::GetFederationToken] {
        let ear = Arc::new(Ear::default());
        let aws = Sdk::for_endpoint(&url, some_keys()).trying(3, 1).heard_by(ear.clone()).aws();
        let began = Instant::now();
        call(&aws, operation).await.expect_err("throttled");
        // At one call a second, the first at once.
        assert!(began.elapsed() >= Duration::from_secs(2), "{operation}: {:?}", began.elapsed());
        let heard: Vec<_> = ear.heard().iter().map(|call| (call.operation, call.failure)).collect();
        assert_eq!(heard, [(operation, Some(Code::Throttling)); 3]);
    }
}

#[tokio::test]
async fn a_refusal_by_sts_is_not_tried_again() {
    let url = serve(Answer { status: 403, headers: &[], body: String::new() }).await;
    let ear = Arc::new(Ear::default());
    let aws = Sdk::for_endpoint(&url, some_keys()).trying(3, 1).heard_by(ear.clone()).aws();
    call(&aws, Operation::AssumeRole).await.expect_err("refused");
    assert_eq!(ear.heard().len(), 1);
}
