pub(super) fn spec(rows: u64) -> super::BillSpec {
    super::BillSpec {
        seed: 7,
        payer: "123456789012".to_owned(),
        payer_name: "Acme".to_owned(),
        linked_accounts: (0..9).map(|number| format!("00000000000{number}")).collect(),
        period: "2026-10".to_owned(),
        rows,
        files: 3,
        currencies: vec!["USD".to_owned()],
        report_name: "costs".to_owned(),
        prefix: "p".to_owned(),
        bucket: "bills".to_owned(),
        options: super::BillOptions::default(),
    }
}
