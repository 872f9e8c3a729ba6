//! Every rule of a warehouse, held against the Delta backend as its users open it.

use std::sync::Arc;

use awscost::warehouse::{
    Warehouse, conformance,
    delta::{DeltaOptions, DeltaWarehouse},
};

#[tokio::test(flavor = "multi_thread")]
async fn delta_on_a_folder_keeps_every_rule() {
    for (name, case) in conformance::CASES {
        println!("{name}");
        let folder = tempfile::tempdir().expect("a folder");
        // A space and a tilde: what a URL, a store's key and a path each spell their own way.
        let location = folder.path().join("my lake~1");
        let options = DeltaOptions::at(location.to_str().expect("a plain path")).expect("a location");
        let warehouse: Arc<dyn Warehouse> = Arc::new(DeltaWarehouse::open(options).expect("it opens"));
        case(warehouse).await;
    }
}
