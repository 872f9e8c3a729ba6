//! Every rule of a warehouse, held against the Delta backend as its users open it.

use std::{path::Path, sync::Arc};

use awscost::{
    schema::{COSTS, TableContract},
    warehouse::{
        Warehouse, conformance,
        delta::{DeltaOptions, DeltaWarehouse},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn delta_on_a_folder_keeps_every_rule() {
    for (name, case) in conformance::CASES {
        println!("{name}");
        let folder = tempfile::tempdir().expect("a folder");
        case(open(folder.path(), &COSTS)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_table_keeps_every_rule_beside_the_first() {
    for (name, case) in conformance::CASES {
        println!("{name}");
        let folder = tempfile::tempdir().expect("a folder");
        let costs = open(folder.path(), &COSTS);
        costs.prepare().await.expect("prepared");
        let load = conformance::Load::of("123456789012", "first-table", &["7"]);
        load.run_on(costs.as_ref()).await;
        case(open(folder.path(), &conformance::SECOND_TABLE)).await;
        conformance::seen(costs.as_ref(), "123456789012").await.is_exactly(&[&load]);
    }
}

fn open(folder: &Path, table: &'static TableContract) -> Arc<dyn Warehouse> {
    // A space and a tilde: what a URL, a store's key and a path each spell their own way.
    let location = folder.join("my lake~1");
    let options = DeltaOptions::at(location.to_str().expect("a plain path")).expect("a location");
    Arc::new(DeltaWarehouse::open(DeltaOptions { table, ..options }).expect("it opens"))
}
