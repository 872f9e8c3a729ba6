//! A second backend goes every way that Delta goes: from a spec, as an option, through a Job's arguments, into questions. Only
//! `WarehouseAddress`, the spec and `warehouse::open` know of it.

use std::sync::Arc;

use clap::Parser;
use serde_json::json;

use super::*;
use crate::{
    api::CostWarehouseSpec,
    warehouse::conformance::{CASES, Load},
};

/// The options of `costs` alone.
#[derive(Debug, Parser)]
struct Asking {
    #[command(flatten)]
    args: CostsArgs,
}

fn asking(options: &[&str]) -> CostsArgs {
    Asking::try_parse_from([&["awscost"], options].concat()).expect("options").args
}

#[tokio::test]
async fn it_is_reached_from_a_spec_and_by_a_question() {
    let spec: CostWarehouseSpec =
        serde_json::from_value(json!({"memory": {"name": "from-a-spec"}})).expect("a spec");
    let declared = spec.parse().expect("valid");
    // A Job is given this option (controller/jobs/manifest.rs tests that), and so is a question.
    let flag = declared.address.flag();
    let args = asking(&["--warehouse", &flag]);
    let reached = args.warehouse.reach().await.expect("it is there");
    assert_eq!(reached.address, declared.address);
    let warehouse = reached.open(&COSTS).expect("it opens");
    Load::of("123456789012", "v1", &["1.5", "2"]).run_on(warehouse.as_ref()).await;
    let (answer, unreadable) = answer_question(&args, &reached).await.expect("an answer");
    assert!(unreadable.is_empty());
    assert_eq!(answer.totals[0].cost, "3.5".parse().ok());
    let bucket = asking(&["--warehouse", &flag, "--warehouse-region", "eu-west-1"]);
    assert!(bucket.warehouse.reach().await.is_err(), "it lies in no bucket");
}

#[tokio::test]
async fn it_keeps_every_rule_as_it_is_opened_by_its_address() {
    for (name, case) in CASES {
        println!("{name}");
        let args = asking(&["--warehouse", &format!("memory:{name}")]);
        let reached = args.warehouse.reach().await.expect("it is there");
        case(Arc::from(reached.open(&COSTS).expect("it opens"))).await;
    }
}
