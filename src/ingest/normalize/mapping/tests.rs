//! What `mapping` must do, case by case.

use super::*;

#[test]
fn no_two_columns_differ_in_separators_alone() {
    assert_eq!(BY_NAME.len(), BY_LETTERS.len());
    for name in BY_NAME.keys() {
        assert_eq!(fold(name), **name, "the contract's names are folded");
    }
}

#[test]
fn every_column_of_the_contract_is_found_under_both_its_names() {
    for (stable, pick) in [(true, "stable"), (false, "legacy")] {
        let columns: Vec<_> = plain_columns().map(|(_, index)| &COLUMNS[index]).collect();
        let headers = columns.iter().map(|column| match (stable, column.legacy) {
            (false, Some(legacy)) => legacy.to_owned(),
            _ => column.name.to_owned(),
        });
        let mapping = Mapping::new(headers.collect(), &mut Maps::new()).expect("all columns");
        for (column, target) in columns.iter().zip(&mapping.targets) {
            let Target::Column(index) = *target else {
                panic!("{} by its {pick} name: {target:?}", column.name)
            };
            assert_eq!(COLUMNS[index].name, column.name, "{pick}");
        }
    }
}

#[test]
fn an_alias_gives_way_to_the_newer_column() {
    let required = COLUMNS.iter().filter(|column| column.required).map(|column| column.name.to_owned());
    let old = "product/region".to_owned();
    let new = "product/regionCode".to_owned();
    let target = |headers: Vec<String>| {
        let mapping = Mapping::new(headers, &mut Maps::new()).expect("required columns");
        *mapping.targets.last().expect("the last header's")
    };
    let region_code = Target::Column(BY_NAME["product_region_code"]);
    assert_eq!(target(required.clone().chain([old.clone()]).collect()), region_code);
    assert!(matches!(target(required.chain([new, old]).collect()), Target::Entry(MapColumn::Product, _)));
}
