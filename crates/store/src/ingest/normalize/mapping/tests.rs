//! What `mapping` must do, case by case.

use super::*;
use crate::schema::COSTS;

#[test]
fn no_two_columns_differ_in_separators_alone() {
    let columns = PlainColumns::of(&COSTS);
    assert_eq!(columns.by_name.len(), columns.by_letters.len());
    for name in columns.by_name.keys() {
        assert_eq!(fold(name), **name, "the contract's names are folded");
    }
}

#[test]
fn every_column_of_the_contract_is_found_under_both_its_names() {
    for (stable, pick) in [(true, "stable"), (false, "legacy")] {
        let columns: Vec<_> = COSTS.plain_columns().map(|(_, index)| &COSTS.columns[index]).collect();
        let headers = columns.iter().map(|column| match (stable, column.legacy) {
            (false, Some(legacy)) => legacy.to_owned(),
            _ => column.name.to_owned(),
        });
        let mapping = Mapping::new(&COSTS, headers.collect(), &mut Maps::new(&COSTS)).expect("all columns");
        for (column, target) in columns.iter().zip(&mapping.targets) {
            let TargetColumn::Column(index) = *target else {
                panic!("{} by its {pick} name: {target:?}", column.name)
            };
            assert_eq!(COSTS.columns[index].name, column.name, "{pick}");
        }
    }
}

#[test]
fn an_alias_gives_way_to_the_newer_column() {
    let required = COSTS.columns.iter().filter(|column| column.required).map(|column| column.name.to_owned());
    let old = "product/region".to_owned();
    let new = "product/regionCode".to_owned();
    let target = |headers: Vec<String>| {
        let mapping = Mapping::new(&COSTS, headers, &mut Maps::new(&COSTS)).expect("required columns");
        *mapping.targets.last().expect("the last header's")
    };
    let region_code = TargetColumn::Column(COSTS.index_of("product_region_code").expect("a column"));
    assert_eq!(target(required.clone().chain([old.clone()]).collect()), region_code);
    let TargetColumn::Entry(map, _) = target(required.chain([new, old]).collect()) else {
        panic!("the older name is no entry of a map");
    };
    assert_eq!(COSTS.maps[map].name, "product");
}
