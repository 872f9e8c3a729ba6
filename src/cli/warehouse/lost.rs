//! Data files that are gone from a warehouse: what brings their months back, as commands to copy.

use crate::{
    cli::terminal::print::complain,
    model::WarehouseAddress,
    onboarding::script::quoted,
    warehouse::{WarehouseFault, survey::LostMonth},
};

/// Tells of a warehouse's fault on stderr, with the commands that heal it where there are any.
pub(in crate::cli) fn complain_with_cure(address: Option<&WarehouseAddress>, fault: &WarehouseFault) {
    let mut text = fault.to_string();
    if let (WarehouseFault::FilesGone { months, .. }, Some(address)) = (fault, address) {
        for command in reload_commands(address, months) {
            text.push_str(&format!("\n  {command}"));
        }
    }
    complain(&text);
}

/// One command for each month of which the ledger says where it came from. Who opens the bucket is no part
/// of an address.
pub(super) fn reload_commands(address: &WarehouseAddress, months: &[LostMonth]) -> Vec<String> {
    let of_month = |month: &LostMonth| {
        let row = month.row.as_ref()?;
        let period = row.period.to_string();
        let mut words =
            vec!["awscost", "ingest", "--source", &row.source.location, "--report", &row.source.report];
        words.extend(["--period", &period, "--connection", row.connection.as_str()]);
        if row.owner != "cli" {
            words.extend(["--owner", &row.owner]);
        }
        let words = words.into_iter().map(quoted).chain(of_warehouse(address)).chain(["--force".to_owned()]);
        Some(words.collect::<Vec<_>>().join(" "))
    };
    months.iter().filter_map(of_month).collect()
}

fn of_warehouse(address: &WarehouseAddress) -> Vec<String> {
    let words = |(name, value): (&str, Option<String>)| {
        std::iter::once(name.to_owned()).chain(value.map(|value| quoted(&value)))
    };
    address.options().into_iter().flat_map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::BucketAddress,
        warehouse::conformance::{Load, slot},
    };

    fn month() -> LostMonth {
        let row = Some(Load::of("123456789012", "v1", &["1"]).row());
        LostMonth { slot: slot("123456789012", "2026-10"), files: vec!["costs/a.parquet".to_owned()], row }
    }

    #[test]
    fn a_lost_month_is_loaded_again_by_a_command_that_can_be_copied() {
        let folder: WarehouseAddress = "delta:/var/my lake".parse().expect("an address");
        let said = reload_commands(&folder, &[month(), LostMonth { row: None, ..month() }]);
        assert_eq!(
            said,
            [
                "awscost ingest --source s3://bucket/cur --report acme --period 2026-10 --connection 123456789012 \
              --owner cluster/finops/acme --warehouse 'delta:/var/my lake' --force"
            ]
        );
        let bucket = |endpoint: Option<&str>| {
            let address: WarehouseAddress = "delta:s3://acme-lake/awscost".parse().expect("an address");
            address.reached_over(BucketAddress {
                region: "eu-west-1".parse().ok(),
                endpoint: endpoint.and_then(|endpoint| endpoint.parse().ok()),
                path_style: endpoint.is_some(),
            })
        };
        let said = reload_commands(&bucket(Some("https://minio.corp.example:9000")), &[month()]).concat();
        let options = "--warehouse delta:s3://acme-lake/awscost --warehouse-region eu-west-1 \
                       --warehouse-endpoint https://minio.corp.example:9000 --warehouse-path-style --force";
        assert!(said.ends_with(options), "{said}");
        assert!(
            !reload_commands(&bucket(None), &[month()]).concat().contains("endpoint"),
            "AWS's own is found by the region"
        );
    }
}
