//! `crds/` is what `awscost crds` prints.

use std::{fs, path::Path};

use awscost::api::crd;

#[test]
fn the_folder_holds_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let files = crd::crd_files().expect("YAML");
    for file in &files {
        let there = fs::read_to_string(folder.join(&file.name)).unwrap_or_default();
        assert!(there == file.yaml, "crds/{} has drifted: run `awscost crds --dir crds`", file.name);
    }
    let there = fs::read_dir(&folder).expect("crds/ is there").count();
    assert_eq!(there, files.len(), "crds/ holds a file that the code does not know");
}
